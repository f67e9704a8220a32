import { BulkheadError, type RemoteStats } from "@bulkhead/client";
import { nameFault } from "@bulkhead/contract";
import type { Command } from "commander";
import { mkdir, stat } from "node:fs/promises";
import { basename, join, resolve } from "node:path";
import { at, type Bind, type Cli } from "../cli.ts";
import { about, UsageError } from "../failure.ts";
import { type Place, spelled, withoutSlash } from "../place.ts";
import { pool } from "../pool.ts";
import { startProgress } from "../progress.ts";
import { receive } from "../receive.ts";
import { nameBelow } from "../relative.ts";
import { wholeNumber } from "../values.ts";

interface Flags {
  readonly recursive?: boolean;
  readonly concurrency: number;
}

const isDirectory = async (path: string): Promise<boolean> =>
  stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  );

/** The local name for `target`: inside it where it is a directory or ends with a slash. */
const localTarget = async (cli: Cli, target: string, name: string): Promise<string> => {
  const full = resolve(cli.io.cwd, target);
  if (!/[/\\]$/.test(target) && !(await isDirectory(full))) return full;
  if (name === "") throw new UsageError("the root has no name; name the target");
  return join(full, name);
};

const getFile = async (cli: Cli, { remote, path }: Place, target: string): Promise<void> => {
  const content = await remote.open(path, { signal: cli.signal });
  const quiet = cli.flags.quiet === true;
  const progress = startProgress(cli.io, basename(path), content.length, quiet);
  let bytes = 0;
  const seen = (count: number): void => {
    bytes += count;
    progress.advance(count);
  };
  try {
    if (target === "-") {
      for await (const chunk of content.stream) {
        await cli.out.bytes(chunk);
        seen(chunk.length);
      }
      return;
    }
    const file = await localTarget(cli, target, basename(path));
    await about(file, () => receive(content, file, seen));
    if (cli.out.json) await cli.out.record({ path, file, bytes });
  } finally {
    progress.stop();
  }
};

/** The local place of an entry. What a server answers decides no path outside the target. */
const inside = (root: string, below: string): string => {
  const names = below.split("/");
  for (const name of names) {
    const fault = nameFault(name);
    if (fault !== undefined) throw new Error(`the server listed a name that is none: ${fault}`);
  }
  return join(root, ...names);
};

const getTree = async (cli: Cli, place: Place, target: string, flags: Flags): Promise<void> => {
  const { remote, signal } = { remote: place.remote, signal: cli.signal };
  const base = withoutSlash(place.path);
  const root = await localTarget(cli, target, basename(base));
  const progress = startProgress(cli.io, basename(base) || base, 0, cli.flags.quiet === true);
  async function* files(): AsyncGenerator<RemoteStats> {
    for await (const entry of remote.list(base, { recursive: true, signal })) {
      if (entry.isFile()) {
        progress.grow(entry.size);
        yield entry;
      } else await mkdir(inside(root, nameBelow(base, entry.path)), { recursive: true });
    }
  }
  try {
    const listing = files();
    // The first page tells whether this is a directory, before anything is made here.
    const first = await listing.next();
    await mkdir(root, { recursive: true });
    async function* all(): AsyncGenerator<RemoteStats> {
      if (first.done !== true) yield first.value;
      yield* listing;
    }
    await pool(all(), flags.concurrency, (entry) =>
      cli.each([entry], async ({ path }) => {
        const file = inside(root, nameBelow(base, path));
        await about(spelled(place, path), async () => {
          await receive(await remote.open(path, { signal }), file, progress.advance);
        });
        if (cli.out.json) await cli.out.record({ path, file, bytes: entry.size });
      }),
    );
  } finally {
    progress.stop();
  }
};

export const addGet = (program: Command, bind: Bind): void => {
  program
    .command("get")
    .description("download a file, or with -r a directory")
    .argument("<path>")
    .argument("[target]", "a local name, a directory, or - for stdout", ".")
    .option("-r, --recursive", "a directory with all that is in it")
    .option("--concurrency <n>", "how many files at once with -r", wholeNumber, 8)
    .action(
      bind((cli, text: string, target: string, flags: Flags) =>
        at(cli, text, async (place) => {
          if (flags.recursive !== true) return getFile(cli, place, target);
          if (target === "-") throw new UsageError("stdout takes one file; leave out -r");
          try {
            await getTree(cli, place, target, flags);
          } catch (error) {
            if (!(error instanceof BulkheadError) || error.code !== "not-directory") throw error;
            await getFile(cli, place, target);
          }
        }),
      ),
    );
};
