import type { Command } from "commander";
import { at, type Bind } from "../cli.ts";
import { withoutSlash } from "../place.ts";
import { wholeNumber } from "../values.ts";

interface FindFlags {
  readonly limit?: number;
}

interface GrepFlags extends FindFlags {
  readonly ignoreCase?: boolean;
  readonly include?: string;
}

/** `find` and `grep`: what lies where, and what says what. */
export const addSearch = (program: Command, bind: Bind): void => {
  program
    .command("find")
    .description("find paths by a pattern: '**/*.csv'")
    .argument("<path>", "where to look")
    .argument("[pattern]", "*, ? and [a-z] within a name, ** across names", "**")
    .option("--limit <n>", "the most results, up to 1000", wholeNumber)
    .action(
      bind((cli, text: string, pattern: string, { limit }: FindFlags) =>
        at(cli, text, async ({ remote, path }) => {
          const where = withoutSlash(path);
          for await (const found of remote.glob(pattern, {
            path: where,
            limit,
            signal: cli.signal,
          }))
            await (cli.out.json
              ? cli.out.record({ path: found })
              : cli.out.line(cli.out.shown(found)));
        }),
      ),
    );
  program
    .command("grep")
    .description("find lines by a regular expression")
    .argument("<pattern>", "a regular expression (RE2)")
    .argument("[path]", "where to look", "/")
    .option("-i, --ignore-case", "do not tell upper from lower case")
    .option("--include <glob>", "only in files that match: '*.log'")
    .option("--limit <n>", "the most results, up to 1000", wholeNumber)
    .action(
      bind((cli, pattern: string, text: string, flags: GrepFlags) =>
        at(cli, text, async ({ remote, path }) => {
          const { include, ignoreCase, limit } = flags;
          const options = { path: withoutSlash(path), include, ignoreCase, limit };
          for await (const match of remote.grep(pattern, { ...options, signal: cli.signal })) {
            const { path: file, line, text: found } = match;
            await (cli.out.json
              ? cli.out.record(match)
              : cli.out.line(`${cli.out.shown(file)}:${line}: ${cli.out.shown(found)}`));
          }
        }),
      ),
    );
};
