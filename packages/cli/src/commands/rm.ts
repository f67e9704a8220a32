import type { Command } from "commander";
import { at, type Bind } from "../cli.ts";
import { withoutSlash } from "../place.ts";
import { confirm } from "../prompt.ts";
import { printable } from "../printable.ts";

interface Flags {
  readonly recursive?: boolean;
  readonly force?: boolean;
  readonly yes?: boolean;
}

export const addRm = (program: Command, bind: Bind): void => {
  program
    .command("rm")
    .description("remove files and empty directories; with -r whatever is there")
    .argument("<path...>")
    .option("-r, --recursive", "directories with all that is in them; asks first")
    .option("-f, --force", "do not ask, and accept what is missing")
    .option("-y, --yes", "do not ask")
    .action(
      bind(async (cli, paths: readonly string[], flags: Flags) => {
        const recursive = flags.recursive === true;
        const force = flags.force === true;
        const asks = recursive && !force && flags.yes !== true;
        await cli.each(paths, (text) =>
          at(cli, text, async ({ remote, path }) => {
            const question = `Remove ${printable(text)} and everything below it?`;
            if (asks && !(await confirm(cli.io, question, "--yes (-y) or --force (-f)"))) return;
            await remote.rm(withoutSlash(path), { recursive, force, signal: cli.signal });
            if (cli.out.json) await cli.out.record({ path: withoutSlash(path), removed: true });
          }),
        );
      }),
    );
};
