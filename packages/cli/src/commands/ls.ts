import { BulkheadError, type RemoteStats } from "@bulkhead/client";
import type { Command } from "commander";
import { at, type Bind, type Cli } from "../cli.ts";
import { humanSize, shortTime } from "../human.ts";
import { type Place, withoutSlash } from "../place.ts";
import { nameBelow } from "../relative.ts";
import { table } from "../table.ts";

interface Flags {
  readonly long?: boolean;
  readonly recursive?: boolean;
  readonly humanReadable?: boolean;
}

/** The entries of a directory; of a file, the file itself. */
async function* entriesOf(
  { remote, path }: Place,
  recursive: boolean,
  signal: AbortSignal | undefined,
): AsyncGenerator<RemoteStats> {
  const bare = withoutSlash(path);
  try {
    yield* remote.list(bare, { recursive, signal });
  } catch (error) {
    if (!(error instanceof BulkheadError) || error.code !== "not-directory" || bare !== path)
      throw error;
    yield await remote.stat(bare, { signal });
  }
}

const shown = (cli: Cli, base: string, entry: RemoteStats): string => {
  const name = cli.out.shown(nameBelow(base, entry.path) || entry.path);
  return entry.isDirectory() ? cli.out.directory(`${name}/`) : name;
};

const ls = async (cli: Cli, place: Place, flags: Flags): Promise<void> => {
  const base = withoutSlash(place.path);
  const entries = entriesOf(place, flags.recursive === true, cli.signal);
  if (cli.out.json) for await (const entry of entries) await cli.out.record(entry);
  else if (flags.long !== true)
    for await (const entry of entries) await cli.out.line(shown(cli, base, entry));
  else {
    const rows = await Array.fromAsync(entries);
    const lines = table<RemoteStats>(
      [
        {
          title: "",
          align: "right",
          value: ({ kind, size }) =>
            kind === "directory" ? "-" : flags.humanReadable === true ? humanSize(size) : `${size}`,
        },
        { title: "", value: ({ modifiedAt }) => shortTime(modifiedAt) },
      ],
      rows,
    );
    for (const [i, entry] of rows.entries())
      await cli.out.line(`${lines[i] ?? ""}  ${shown(cli, base, entry)}`);
  }
};

export const addLs = (program: Command, bind: Bind): void => {
  program
    .command("ls")
    .description("list directories")
    .argument("[path...]", "what to list", ["/"])
    .option("-l, --long", "with size and time of the last change (UTC)")
    .option("-R, --recursive", "with everything below")
    .option("-h, --human-readable", "sizes as 1.2K, 3.4M")
    .action(
      bind(async (cli, paths: readonly string[], flags: Flags) => {
        await cli.each(paths, (text) =>
          at(cli, text, async (place) => {
            if (paths.length > 1 && !cli.out.json) await cli.out.line(`${text}:`);
            await ls(cli, place, flags);
          }),
        );
      }),
    );
};
