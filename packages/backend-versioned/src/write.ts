import { randomUUID } from "node:crypto";
import type { Backend, WriteResult } from "@bulkhead/contract";
import { committed } from "./committed.ts";
import { digestOf } from "./frames.ts";
import { intake } from "./intake.ts";
import type { Answer, LedgerCommit, TreeRef } from "./ledger-commit.ts";
import type { Staging } from "./staging.ts";

export interface WriteParts {
  readonly tree: TreeRef;
  readonly ledger: LedgerCommit;
  readonly staged: Staging;
  readonly inlineLimit: number;
}

/** What a caller is told of a write, without what only the ledger's record needs. */
export const written = ({
  etag,
  version,
  size,
  created,
  replaced,
  times,
}: WriteResult): WriteResult => ({
  etag,
  size,
  created,
  ...(times !== undefined && { times }),
  ...(version !== undefined && { version }),
  ...(replaced !== undefined && { replaced }),
});

/** Asks for another try where the content was taken away before its commit. */
const takenAway = <R>(answer: Answer<R>): Answer<R> =>
  answer.state === "refused" && answer.reason === "blob"
    ? { ...answer, code: "unavailable" }
    : answer;

/** `Backend.write`: small content goes into its row with the commit, longer content is stored first. */
export const write =
  ({ tree, ledger, staged, inlineLimit }: WriteParts): Backend["write"] =>
  async (ctx, path, body, { mode = "overwrite", contentType, metadata } = {}) => {
    const like = { path, mode, contentType, metadata };
    const taken = await intake(body, inlineLimit, ctx.signal);
    if ("whole" in taken) {
      const { whole } = taken;
      const digest = digestOf(whole);
      const size = whole.length;
      return written(
        await committed(ctx, { id: randomUUID(), size, digest }, (settlement) =>
          ledger.write(tree, { ...like, settlement, size, digest, content: whole }),
        ),
      );
    }
    try {
      const request = { path, mode, size: body.size, content: taken.rest };
      return await staged.hold(ctx, request, async ({ id, size, digest, frames }) =>
        written(
          await committed(ctx, { id, size, digest }, async (settlement) =>
            // Its lease lapsed, or the tree was moved meanwhile: neither is the caller's doing.
            takenAway(
              await ledger.write(tree, {
                ...like,
                settlement,
                size,
                digest,
                content: { blob: id, frames },
              }),
            ),
          ),
        ),
      );
    } catch (error) {
      taken.release();
      throw error;
    }
  };
