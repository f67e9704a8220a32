import { FileError, isFileError } from "@bulkhead/contract";
import { plainContext } from "@bulkhead/kit";
import {
  type ContentCopy,
  JobGivenUp,
  type JobHandler,
  type Ledger,
  type MoveRecord,
} from "@bulkhead/ledger";
import type { MountTemplates } from "./mount-templates.ts";
import { moveBatch, moveContent } from "./move-content.ts";
import type { RootsTable } from "./roots.ts";
import { whileNobodyCollects } from "./while-nobody-collects.ts";

/** Where a move is, in this order; `undone` instead of what follows `caught-up`. */
export type MoveStep =
  | "aimed"
  | "copied"
  | "caught-up"
  | "fenced"
  | "switched"
  | "relabelled"
  | "erased"
  | "undone";

export interface MoveTenantOptions {
  readonly ledger: Pick<Ledger, "moves" | "leases">;
  readonly roots: Pick<RootsTable, "catchUp" | "rootsOf">;
  readonly templates: Pick<MountTemplates, "idOf" | "tree" | "content" | "erase">;
  readonly log: (event: string, detail: Readonly<Record<string, unknown>>) => void;
}

/** How long new long content may have to wait, at first; twice as long each time that was not enough. */
const [fenceMs, longestFenceMs] = [5000, 60_000];
/** How long processes have to let go of what was left, before it is erased; each looks once a second. */
const letGoMs = 2000;

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** Another attempt would meet the same. */
const isForGood = (error: unknown): error is FileError =>
  isFileError(error, "internal") || isFileError(error, "residency");

/**
 * Moves the roots of a tenant to another placement: copies their blobs, catches up with what is stored meanwhile, and
 * switches all roots at once when every blob of every version was read again at its new place. Goes on where a crash
 * interrupted it; given up before the switch, it leaves nothing.
 */
export const moveTenant =
  ({ ledger: { moves, leases }, roots, templates, log }: MoveTenantOptions): JobHandler =>
  async (job, control) => {
    const { signal } = control;
    const ctx = plainContext({ signal, requestId: `job-${job.id}` });
    const counted = {
      blobs: numberIn(job.progress, "blobs"),
      bytes: numberIn(job.progress, "bytes"),
      ofBlobs: numberIn(job.progress, "ofBlobs"),
      ofBytes: numberIn(job.progress, "ofBytes"),
    };
    const show = (phase: string, more: Readonly<Record<string, unknown>> = {}): Promise<void> =>
      control.progress({ phase, ...counted, ...more });
    const reach = (step: MoveStep): void => log("tenant-move", { job: job.id, step, ...counted });

    const present = async (): Promise<MoveRecord> => {
      const move = await moves.get(job.id);
      if (move === undefined)
        throw new JobGivenUp("conflict", "The tenant was deleted meanwhile.", { retry: "never" });
      return move;
    };

    /** Registers where each root's content goes, and counts what that is. */
    const aim = async ({ tenantUid, placement }: MoveRecord): Promise<void> => {
      await roots.catchUp(undefined);
      for (const root of roots.rootsOf(tenantUid))
        if (root.placement !== placement)
          await moves.aim(job.id, root, (await templates.tree(root)).id, templates.idOf(root));
      const all = await moves.weigh(job.id);
      [counted.ofBlobs, counted.ofBytes] = [all.blobs, all.bytes];
      await show("copying");
    };

    const catchUp = async (
      { tenantUid }: MoveRecord,
      phase: string,
    ): Promise<number | undefined> => {
      let first = true;
      return moveContent({
        moves,
        roots,
        templates,
        ctx,
        job: job.id,
        tenantUid,
        onBatch: async ({ blobs, bytes }) => {
          counted.blobs += blobs;
          counted.bytes += bytes;
          await show(phase);
          if (first) reach("copied");
          first = false;
          return !(await present()).aborted;
        },
      });
    };

    /** True once the roots stand on the new content, false where the move was given up, undefined if neither. */
    const attempt = async (move: MoveRecord): Promise<boolean | undefined> => {
      signal.throwIfAborted();
      const answer = await moves.switch(job.id);
      if (answer === "done") return true;
      if (answer === "over") return (await present()).state !== "copying";
      // A root that was added meanwhile goes along.
      await aim(move);
      return undefined;
    };

    const fenced = async (move: MoveRecord, ms: number): Promise<boolean | undefined> => {
      const until = performance.now() + ms;
      await moves.fence(job.id, ms);
      reach("fenced");
      while (performance.now() < until) {
        const brought = await catchUp(move, "switching");
        if (brought === undefined) return false;
        const ended = await attempt(move);
        if (ended !== undefined) return ended;
        // What is left is still on its way to its commit.
        if (brought === 0) await pause(20);
      }
      await moves.fence(job.id, 0);
      return undefined;
    };

    const copyAndSwitch = async (move: MoveRecord): Promise<boolean> => {
      await aim(move);
      reach("aimed");
      let ms = fenceMs;
      for (let before = Infinity; ;) {
        const brought = await catchUp(move, "copying");
        if (brought === undefined) return false;
        // Another round, while each leaves the next one less to do.
        const shrinks = brought < before / 2;
        before = brought;
        if (brought > moveBatch && shrinks) continue;
        reach("caught-up");
        const ended = (await attempt(move)) ?? (await fenced(move, ms));
        if (ended !== undefined) return ended;
        ms = Math.min(ms * 2, longestFenceMs);
      }
    };

    /** Takes back what the move did, as often as that takes; ends the job. */
    const undo = async (reason: string): Promise<never> => {
      await show("undoing", { undoing: reason });
      for (const { state, root, store } of await moves.copies({ job: job.id })) {
        if (state !== "coming") continue;
        await templates.erase(root);
        await moves.settle(store, "gone");
      }
      await moves.end(job.id);
      reach("undone");
      throw new JobGivenUp("conflict", reason, { retry: "never" });
    };

    const erase = async (left: readonly ContentCopy[]): Promise<void> => {
      await show("erasing");
      await pause(letGoMs);
      for (const { root, store } of left) {
        signal.throwIfAborted();
        await templates.erase(root);
        await moves.settle(store, "gone");
      }
      reach("erased");
    };

    /** After the switch: every row names the new store, and what was left is kept or erased. */
    const finish = async ({ placement, keep }: MoveRecord): Promise<unknown> => {
      reach("switched");
      const left = (await moves.copies({ job: job.id })).filter(({ state }) => state === "left");
      await show("tidying");
      for (const { store } of left) await moves.relabel(store);
      reach("relabelled");
      if (keep) for (const { store } of left) await moves.settle(store, "kept");
      else if (left.length > 0) await whileNobodyCollects(leases, signal, () => erase(left));
      await moves.end(job.id);
      await show("done");
      return { placement, source: keep ? "kept" : "erased" };
    };

    const move = await present();
    const { undoing } = job.progress;
    const reason =
      typeof undoing === "string" ? undoing : "The move was aborted; the tenant is where it was.";
    const givenUp = move.aborted || typeof undoing === "string";
    if (move.state === "switched") return finish(move);
    if (move.state === "ended") {
      if (givenUp) throw new JobGivenUp("conflict", reason, { retry: "never" });
      return finish(move);
    }
    if (givenUp) return undo(reason);
    try {
      if (await copyAndSwitch(move)) return await finish(move);
    } catch (error) {
      if (signal.aborted || !isForGood(error)) throw error;
      await moves.abort(undefined, job.id);
      return undo(`The move was given up, and the tenant is where it was. ${error.detail}`);
    }
    return undo(reason);
  };

const numberIn = (record: Readonly<Record<string, unknown>>, name: string): number => {
  const value = record[name];
  return typeof value === "number" ? value : 0;
};
