import type { Command } from "commander";
import { at, type Bind } from "../cli.ts";
import { byteRange, type Range } from "../values.ts";

interface Flags {
  readonly range?: Range;
}

export const addCat = (program: Command, bind: Bind): void => {
  program
    .command("cat")
    .description("write files to stdout")
    .argument("<path...>")
    .option("--range <bytes>", "some of it: 0-99, 100- or, the last, -100", byteRange)
    .action(
      bind(async (cli, paths: readonly string[], { range }: Flags) => {
        await cli.each(paths, (text) =>
          at(cli, text, async ({ remote, path }) => {
            const stream = await remote.readStream(path, { range, signal: cli.signal });
            for await (const chunk of stream) await cli.out.bytes(chunk);
          }),
        );
      }),
    );
};
