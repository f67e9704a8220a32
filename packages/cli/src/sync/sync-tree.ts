import type { Cli } from "../cli.ts";
import { about, Failure, LocalConflict } from "../failure.ts";
import { humanSize } from "../human.ts";
import { endsAll } from "../import/ends-all.ts";
import type { ImportState } from "../import/import-state.ts";
import { pool } from "../pool.ts";
import { startProgress } from "../progress.ts";
import { digestOf } from "./digest-of.ts";
import type { Direction } from "./direction.ts";
import type { Step, SyncPlan } from "./plan.ts";

/** What a run did, or would do. */
export interface SyncReport {
  /** Files that were brought over, and their bytes. */
  readonly files: number;
  readonly bytes: number;
  /** Files that were the same already. */
  readonly same: number;
  readonly removed: number;
  readonly failed: number;
  /** What is neither a file nor a directory, or has no legal name. */
  readonly skipped: number;
}

export interface SyncOptions {
  readonly concurrency: number;
  readonly remove: boolean;
  readonly dryRun: boolean;
}

/** The disk here has no room: the next file would not fit either. */
const isFull = (error: unknown): boolean => {
  const why = error instanceof Failure ? error.why : error;
  return why instanceof Error && "code" in why && ["ENOSPC", "EDQUOT"].includes(String(why.code));
};

async function* each<T>(items: readonly T[]): AsyncGenerator<T> {
  yield* items;
}

/** Does what was planned; what changed meanwhile is left as it is and reported. */
export const syncTree = async (
  cli: Cli,
  direction: Direction,
  plan: SyncPlan,
  state: ImportState | undefined,
  { concurrency, remove, dryRun }: SyncOptions,
): Promise<SyncReport> => {
  const { action, source, target } = direction;
  const report = { files: 0, bytes: 0, same: 0, removed: 0, failed: 0, skipped: plan.unfit.length };
  for (const { spelled, why } of plan.unfit) cli.out.note(`Skipped ${spelled}: ${why}`);

  const progress = startProgress(cli.io, source.spelled([]), 0, cli.flags.quiet === true);
  const tell = async (what: string, below: readonly string[], size: number): Promise<void> => {
    if (!dryRun) return;
    const path = below.join("/");
    await (cli.out.json
      ? cli.out.record({ action: what, path, size })
      : cli.out.line(`${what.padEnd(8)}  ${humanSize(size).padStart(6)}  ${cli.out.shown(path)}`));
  };
  const attempt = async (below: readonly string[], act: () => Promise<void>): Promise<void> => {
    try {
      await about(target.spelled(below), act);
    } catch (error) {
      cli.signal?.throwIfAborted();
      if (endsAll(error) || isFull(error)) throw error;
      report.failed += 1;
      cli.report(error);
    }
  };
  const isSame = async ({ entry: { below }, kind }: Step): Promise<boolean> => {
    if (kind !== "compare") return kind === "same";
    const [here, there] = await Promise.all([digestOf(source, below), digestOf(target, below)]);
    if (here.digest !== there.digest) return false;
    if (!dryRun) await state?.add({ path: below.join("/"), stamp: here.stamp, etag: there.stamp });
    return true;
  };

  for (const { entry, kind } of plan.steps)
    if (kind === "new" || kind === "changed") progress.grow(entry.size);
  try {
    await pool(each(plan.steps), concurrency, (step) =>
      attempt(step.entry.below, async () => {
        const { below, size } = step.entry;
        if (await isSame(step)) {
          report.same += 1;
          return;
        }
        await tell(action, below, size);
        if (!dryRun) {
          if (step.kind === "compare") progress.grow(size);
          const synced = await direction.transfer(step.entry, step.before, progress.advance);
          await state?.add({ path: below.join("/"), stamp: synced.source, etag: synced.target });
        }
        report.files += 1;
        report.bytes += size;
      }),
    );
    for (const { below } of plan.empty)
      await attempt(below, async () => {
        await tell("mkdir", below, 0);
        if (!dryRun) await direction.makeDirectory(below);
      });
  } finally {
    progress.stop();
  }
  // Nobody goes on with these: what they would have become has arrived, or is another by now.
  if (!dryRun && action === "download" && report.failed === 0)
    for (const { below, stamp } of plan.leftovers)
      await attempt(below, async () => void (await target.remove(below, stamp)));
  if (!remove) return report;
  if (report.failed > 0) {
    cli.out.note("Nothing was removed, because not everything could be brought over.");
    return report;
  }
  await pool(each(plan.extra), concurrency, ({ below, stamp, size }) =>
    attempt(below, async () => {
      await tell("remove", below, size);
      if (!dryRun && !(await target.remove(below, stamp)))
        throw new Failure(
          target.spelled(below),
          new LocalConflict("it was changed meanwhile, and was not removed"),
        );
      report.removed += 1;
    }),
  );
  if (!dryRun)
    for (const below of plan.extraDirectories)
      await attempt(below, () => direction.removeDirectory(below));
  return report;
};
