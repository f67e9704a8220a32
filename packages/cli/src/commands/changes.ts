import type { Command } from "commander";
import type { Bind } from "../cli.ts";
import { wholeNumber } from "../values.ts";

interface Flags {
  readonly after?: string;
  readonly follow?: boolean;
  readonly limit?: number;
  readonly tenant?: string;
}

export const addChanges = (program: Command, bind: Bind): void => {
  program
    .command("changes")
    .description("tell what changed in the tenant, in commit order")
    .option("-f, --follow", "go on as changes come, until interrupted")
    .option("--after <cursor>", "go on where an earlier run ended, or from 'latest'")
    .option("--limit <n>", "the most changes", wholeNumber)
    .option("--tenant <id>", "whose changes: for the platform key")
    .action(
      bind(async (cli, { after, follow, limit, tenant }: Flags) => {
        const remote = await cli.remote();
        let cursor: string | undefined;
        const changes = remote.changes({
          after,
          follow,
          tenant,
          limit,
          signal: cli.signal,
          onCursor: (next) => (cursor = next),
        });
        for await (const { at, kind, path, from, ...rest } of changes) {
          if (cli.out.json) await cli.out.record({ at, kind, path, from, ...rest });
          else {
            const places = [...(from === null ? [] : [from, "->"]), path].map(cli.out.shown);
            await cli.out.line(`${at}  ${kind.padEnd(6)}  ${places.join(" ")}`);
          }
          if (follow === true) await cli.out.flush();
        }
        if (cursor !== undefined) cli.out.note(`go on with --after ${cursor}`);
      }),
    );
};
