import type { Command } from "commander";
import { at, type Bind } from "../cli.ts";
import { withoutSlash } from "../place.ts";

interface Flags {
  readonly parents?: boolean;
}

export const addMkdir = (program: Command, bind: Bind): void => {
  program
    .command("mkdir")
    .description("make directories")
    .argument("<path...>")
    .option("-p, --parents", "make missing parents, and accept what exists")
    .action(
      bind(async (cli, paths: readonly string[], flags: Flags) => {
        await cli.each(paths, (text) =>
          at(cli, text, async ({ remote, path }) => {
            const recursive = flags.parents === true;
            await remote.mkdir(withoutSlash(path), { recursive, signal: cli.signal });
            if (cli.out.json) await cli.out.record({ path: withoutSlash(path), made: true });
          }),
        );
      }),
    );
};
