import { createHash } from "node:crypto";
import {
  type Context,
  isFileError,
  parseVirtualPath,
  type Stat,
  type Tree,
  type VirtualPath,
} from "@bulkhead/contract";
import { chunksOf } from "@bulkhead/kit";
import type { JobHandler, Jobs } from "@bulkhead/ledger";
import type { Authority } from "@bulkhead/policy";
import type { Remember } from "@bulkhead/vfs";
import { askedBy, contextOf, textOf } from "./transfer-job.ts";

export const finishKind = "tree.finish-move";

/** How long a move that nobody goes on with is left alone, and how often who goes on says so. */
const [leaveMs, renewMs] = [60_000, 20_000];

/** Remembers a file's move between storages as a job that begins only if this process does not come to the end. */
export const rememberMoves =
  (jobs: Pick<Jobs, "enqueue" | "postpone" | "cancel">): Remember =>
  async (ctx, from, to, etag) => {
    const id = await jobs.enqueue({
      kind: finishKind,
      tenantUid: ctx.principal.tenant?.uid,
      delayMs: leaveMs,
      payload: { ...askedBy(ctx), from, to, etag },
    });
    const renewing = setInterval(() => {
      // Without a ledger for so long, somebody else finishes it, and this process hears of that at the end.
      void jobs.postpone(id, leaveMs).catch(() => false);
    }, renewMs).unref();
    return {
      end: () => {
        clearInterval(renewing);
        return jobs.cancel(id);
      },
    };
  };

/**
 * Finishes the move of a file that a crash left at both ends: where the source is still what was copied, and the target
 * has the same content, it is moved once more over that. Where they differ nothing is touched: two are better than none.
 * Answers whether it was finished.
 */
export const finishMoves =
  (authority: Pick<Authority, "readmit">, tree: Tree): JobHandler =>
  async (job, control) => {
    const [from, to] = [textOf(job.payload, "from"), textOf(job.payload, "to")].map(
      parseVirtualPath,
    );
    if (from === undefined || to === undefined) throw new Error("The job names no paths.");
    const ctx = await contextOf(authority, job, control, "move");
    const ifMatch = textOf(job.payload, "etag");
    const [source, target] = [await fileAt(tree, ctx, from), await fileAt(tree, ctx, to)];
    if (source?.etag !== ifMatch || target?.etag === undefined) return { finished: false };
    if ((await digestOf(tree, ctx, from)) !== (await digestOf(tree, ctx, to)))
      return { finished: false };
    await tree.move(ctx, from, to, { mode: { ifMatch: target.etag }, ifMatch });
    return { finished: true };
  };

const fileAt = async (tree: Tree, ctx: Context, path: VirtualPath): Promise<Stat | undefined> => {
  try {
    return await tree.stat(ctx, path);
  } catch (error) {
    if (isFileError(error, "not-found")) return undefined;
    throw error;
  }
};

const digestOf = async (tree: Tree, ctx: Context, path: VirtualPath): Promise<string> => {
  await using result = await tree.read(ctx, path);
  const hash = createHash("sha256");
  for await (const chunk of chunksOf(result.content)) hash.update(chunk);
  return hash.digest("hex");
};
