import { BulkheadError } from "@bulkhead/client";
import { parseRequestPath } from "@bulkhead/contract";
import type { Cli } from "../cli.ts";
import { about, Failure } from "../failure.ts";
import { type Place, spelled } from "../place.ts";
import { pool } from "../pool.ts";
import { startProgress } from "../progress.ts";
import { joined, nameBelow } from "../relative.ts";
import { endsAll } from "./ends-all.ts";
import { importFile } from "./import-file.ts";
import { type ImportState, openImportState } from "./import-state.ts";
import { placeName } from "./server-source.ts";
import type { ImportSource, SourceEntry } from "./source.ts";

export interface ImportTreeOptions {
  readonly source: ImportSource;
  readonly target: Place;
  readonly concurrency: number;
  readonly dryRun: boolean;
  readonly removeSource: boolean;
}

/** What became of an import; counts of this run and those before it. */
export interface ImportReport {
  readonly files: number;
  readonly bytes: number;
  readonly directories: number;
  /** Files that an earlier run had imported. */
  readonly resumed: number;
  /** What could not be imported; each was reported. */
  readonly failed: number;
  /** Files removed from the source. */
  readonly removed: number;
}

/** Copies a tree file by file, each once however often the run is killed, and removes the source only when all is verified. */
export const importTree = async (cli: Cli, options: ImportTreeOptions): Promise<ImportReport> => {
  const { source, target, concurrency, dryRun } = options;
  const report = { files: 0, bytes: 0, directories: 0, resumed: 0, failed: 0, removed: 0 };
  const progress = startProgress(cli.io, target.path, 0, cli.flags.quiet === true);
  const fail = (error: unknown): void => {
    report.failed += 1;
    cli.report(error);
  };
  const unfit = (what: { readonly spelled: string; readonly why: string }): void =>
    fail(new Failure(what.spelled, new Error(what.why)));
  const pathOf = ({ below }: SourceEntry): string =>
    parseRequestPath(joined(target.path, below.join("/")));
  const each = (act: (entry: SourceEntry, path: string) => Promise<void>): Promise<void> =>
    pool(source.entries(unfit), concurrency, async (entry) => {
      try {
        await about(source.spelled(entry.below), () => act(entry, pathOf(entry)));
      } catch (error) {
        cli.signal?.throwIfAborted();
        if (endsAll(error)) throw error;
        fail(error);
      }
    });
  const count = ({ kind, size }: SourceEntry): void => {
    if (kind === "empty") report.directories += 1;
    else {
      report.files += 1;
      report.bytes += size;
    }
  };

  if (dryRun) {
    await each(async (entry, path) => {
      count(entry);
      await cli.out.record({
        from: source.spelled(entry.below),
        to: spelled(target, path),
        size: entry.size,
      });
    });
    return report;
  }

  await using state = await openImportState(
    cli.io.env,
    source.name,
    await placeName(target, cli.signal),
  );
  const before = state.size();
  const there = before > 0 ? await etagsAt(target, cli.signal) : new Map<string, string | null>();
  if (before > 0) cli.out.note(`Going on: ${before} files were imported and verified before.`);
  try {
    await each(async (entry, path) => {
      if (entry.kind === "empty") {
        await target.remote.mkdir(path, { recursive: true, signal: cli.signal });
        return count(entry);
      }
      const known = state.get(entry.below.join("/"));
      // Only what is the same at both ends needs no second look.
      if (known?.stamp === entry.stamp && known.etag === there.get(known.path)) {
        report.resumed += 1;
        return count(entry);
      }
      progress.grow(entry.size);
      const file = { source, target, seen: progress.advance, signal: cli.signal };
      await state.add(await importFile(file, entry.below, path));
      count(entry);
    });
  } finally {
    progress.stop();
  }
  if (report.failed > 0) {
    cli.out.note(
      `${report.failed} could not be imported; what was is kept in mind for the next run.`,
    );
    if (options.removeSource) cli.out.note("Nothing was removed from the source.");
    return report;
  }
  if (options.removeSource) await removeSource(cli, options, state, report, fail);
  // What was left because it had changed is to be looked at by somebody, and then imported anew.
  if (report.failed === 0) await state.end();
  return report;
};

/** The ETags of the files at the target, by their names from there on. */
const etagsAt = async (
  { remote, path }: Place,
  signal: AbortSignal | undefined,
): Promise<ReadonlyMap<string, string | null>> => {
  const etags = new Map<string, string | null>();
  try {
    for await (const entry of remote.list(path, { recursive: true, signal }))
      if (entry.isFile()) etags.set(nameBelow(path, entry.path), entry.etag);
  } catch (error) {
    if (!(error instanceof BulkheadError) || error.code !== "not-found") throw error;
  }
  return etags;
};

const removeSource = async (
  cli: Cli,
  { source, concurrency }: ImportTreeOptions,
  state: ImportState,
  report: { removed: number },
  fail: (error: unknown) => void,
): Promise<void> => {
  await pool(
    source.entries(() => undefined),
    concurrency,
    async ({ below, kind }) => {
      if (kind === "empty") return;
      cli.signal?.throwIfAborted();
      const imported = state.get(below.join("/"));
      if (imported !== undefined && (await source.remove(below, imported.stamp)))
        report.removed += 1;
      else
        fail(
          new Failure(
            source.spelled(below),
            new Error("it was changed or added after it was imported, and was not removed"),
          ),
        );
    },
  );
  await source.tidy();
};
