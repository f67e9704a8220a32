import type { Command } from "commander";
import { about } from "../failure.ts";
import type { Bind, Cli } from "../cli.ts";
import { UsageError } from "../failure.ts";
import { destination, withoutSlash } from "../place.ts";

interface Flags {
  readonly force?: boolean;
  readonly ifMatch?: string;
}

const act = async (
  cli: Cli,
  verb: "cp" | "mv",
  [source, target]: readonly [string, string],
  flags: Flags,
): Promise<void> => {
  const from = await cli.place(source);
  const to = await cli.place(target);
  if (from.alias !== to.alias)
    throw new UsageError(
      `${verb} works within one server; between two, use get and put: '${source}', '${target}'`,
    );
  const origin = withoutSlash(from.path);
  const goal = destination(to.path, origin.slice(origin.lastIndexOf("/") + 1));
  await about(`${source} to ${target}`, () =>
    to.remote[verb === "cp" ? "cp" : "rename"](origin, goal, {
      overwrite: flags.force === true,
      ifMatch: flags.ifMatch,
      signal: cli.signal,
    }),
  );
  if (cli.out.json)
    await cli.out.document({ from: origin, to: goal, [verb === "cp" ? "copied" : "moved"]: true });
};

export const addCopyAndMove = (program: Command, bind: Bind): void => {
  for (const [verb, what] of [
    ["cp", "copy a file or directory on the server"],
    ["mv", "move or rename a file or directory on the server"],
  ] as const)
    program
      .command(verb)
      .description(what)
      .argument("<from>")
      .argument("<to>", "with a slash at its end: into that directory")
      .option("-f, --force", "replace a file that is there")
      .option("--if-match <etag>", "only if the source has this ETag")
      .action(
        bind((cli, from: string, to: string, flags: Flags) => act(cli, verb, [from, to], flags)),
      );
};
