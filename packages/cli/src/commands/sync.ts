import { BulkheadError } from "@bulkhead/client";
import type { Command } from "commander";
import { mkdir, realpath } from "node:fs/promises";
import { resolve } from "node:path";
import type { Bind, Cli } from "../cli.ts";
import { about, UsageError } from "../failure.ts";
import { humanSize } from "../human.ts";
import { folderSource, isMissing } from "../import/folder-source.ts";
import { type ImportState, openImportState } from "../import/import-state.ts";
import { serverSource } from "../import/server-source.ts";
import type { ImportSource } from "../import/source.ts";
import { type Place, withoutSlash } from "../place.ts";
import { confirm } from "../prompt.ts";
import type { Direction } from "../sync/direction.ts";
import { downwards } from "../sync/down.ts";
import { brakeOf, planSync } from "../sync/plan.ts";
import { syncTree } from "../sync/sync-tree.ts";
import { upwards } from "../sync/up.ts";
import { wholeNumber } from "../values.ts";

interface Flags {
  readonly delete?: boolean;
  readonly force?: boolean;
  readonly dryRun?: boolean;
  readonly concurrency: number;
}

/** The same end, empty where there is nothing yet. */
const orNothing = (end: ImportSource): ImportSource => ({
  ...end,
  entries: async function* (unfit) {
    try {
      yield* end.entries(unfit);
    } catch (error) {
      const none = error instanceof BulkheadError && error.code === "not-found";
      if (!none && !isMissing(error)) throw error;
    }
  },
});

const placeAt = async (cli: Cli, text: string): Promise<Place> => {
  const place = await cli.place(text);
  return { ...place, path: withoutSlash(place.path) };
};

const up = async (cli: Cli, folder: string, text: string): Promise<Direction> => {
  const place = await placeAt(cli, text);
  const given = resolve(cli.io.cwd, folder);
  const source = await folderSource(cli.io.cwd, await realpath(given).catch(() => given));
  return upwards(
    { source, target: orNothing(await serverSource(place, cli.signal)), place },
    cli.signal,
  );
};

const down = async (
  cli: Cli,
  text: string,
  folder: string,
  dryRun: boolean,
): Promise<Direction> => {
  const place = await placeAt(cli, text);
  const source = await serverSource(place, cli.signal);
  const given = resolve(cli.io.cwd, folder);
  // What is no directory on the server is refused before anything is made here.
  for await (const _ of place.remote.list(place.path, { pageSize: 1, signal: cli.signal })) break;
  if (!dryRun) await mkdir(given, { recursive: true });
  const root = await realpath(given).catch(() => given);
  const target = orNothing(await folderSource(cli.io.cwd, root, dryRun));
  return downwards({ source, target, place, root }, cli.signal);
};

const sync = async (cli: Cli, direction: Direction, flags: Flags): Promise<void> => {
  const { dryRun = false, delete: remove = false, force = false, concurrency } = flags;
  if (force && !remove) throw new UsageError("--force belongs to --delete");
  const { source, target, action } = direction;
  await using state: ImportState = await openImportState(
    cli.io.env,
    `${action} ${source.name}`,
    target.name,
    "syncs",
  );
  const plan = await planSync(direction, (path, from, to) => {
    const known = state.get(path);
    return known !== undefined && to !== "" && known.stamp === from && known.etag === to;
  });
  const brake = remove && !force ? brakeOf(plan) : undefined;
  if (brake !== undefined) {
    cli.out.note(`${target.spelled([])}: ${brake}.`);
    if (!dryRun && !(await confirm(cli.io, "Remove them?", "--force")))
      throw new UsageError("nothing was done; --force removes them without a question");
  }
  const report = await syncTree(cli, direction, plan, state, { concurrency, remove, dryRun });
  if (cli.out.json && !dryRun) await cli.out.document({ action, ...report });
  const { files, bytes, same, removed } = report;
  const count = (n: number): string => `${n} ${n === 1 ? "file" : "files"}`;
  cli.out.note(
    dryRun
      ? `${count(files)}, ${humanSize(bytes)}, would be ${action}ed; ${same} the same; ${removed} would be removed.`
      : `${count(files)}, ${humanSize(bytes)}, ${action}ed; ${same} the same; ${removed} removed.`,
  );
};

const withFlags = (command: Command): Command =>
  command
    .option("--delete", "remove what the source does not have")
    .option("--force", "with --delete: also where more than ten files and a quarter would go")
    .option("--dry-run", "list what would be done")
    .option("--concurrency <n>", "how many files at once", wholeNumber, 8);

/** `sync`: makes a tree the same as another, one way. */
export const addSync = (program: Command, bind: Bind): void => {
  const parent = program
    .command("sync")
    .description("make a tree on the server what a folder here is, or the other way round");
  withFlags(
    parent
      .command("up")
      .description("bring what is new or changed in a folder to the server")
      .argument("<folder>", "here")
      .argument("<path>", "there: what lies in the folder will lie in it"),
  ).action(
    bind((cli, folder: string, path: string, flags: Flags) =>
      about(path, async () => sync(cli, await up(cli, folder, path), flags)),
    ),
  );
  withFlags(
    parent
      .command("down")
      .description("bring what is new or changed on the server to a folder")
      .argument("<path>", "there")
      .argument("<folder>", "here: what lies in the path will lie in it"),
  ).action(
    bind((cli, path: string, folder: string, flags: Flags) =>
      about(path, async () =>
        sync(cli, await down(cli, path, folder, flags.dryRun === true), flags),
      ),
    ),
  );
};
