import type { Backend } from "@bulkhead/contract";
import { plainContext, resolveRange } from "@bulkhead/kit";
import type { FrameRoom } from "./frame-room.ts";
import { digestOf } from "./frames.ts";
import type { LedgerCommit, TreeRef } from "./ledger-commit.ts";
import { placeOf } from "./place.ts";
import { found, refusalError } from "./refusal.ts";
import { typed } from "./typed.ts";
import { damaged, verified } from "./verified.ts";

export interface ReadParts {
  readonly tree: TreeRef;
  readonly ledger: LedgerCommit;
  readonly content: Backend;
  readonly room: FrameRoom;
}

/** `Backend.read`: row and small content in one round trip; longer content is opened then. All is verified. */
export const read =
  ({ tree, ledger, content, room }: ReadParts): Backend["read"] =>
  async (ctx, path, { range, ifMatch, version, piece } = {}) => {
    const {
      stat: stored,
      inline,
      digest,
      blob,
      snapshot,
    } = found(await ledger.read(tree, path, version, ctx.settlement.revisions));
    const stat = typed(stored);
    if (ifMatch !== undefined && stat.etag !== ifMatch)
      throw refusalError({
        state: "refused",
        code: "precondition-failed",
        ...(stat.etag !== undefined && { etag: stat.etag }),
      });
    const resolved = range === undefined ? undefined : resolveRange(range, stat.size);
    const answer = {
      stat,
      ...(resolved && { range: resolved }),
      ...(snapshot && { snapshot }),
    };
    if (blob === undefined) {
      if (inline.length !== stat.size || digestOf(inline) !== digest) throw damaged();
      return {
        ...answer,
        content:
          resolved === undefined ? inline : inline.subarray(resolved.start, resolved.end + 1),
        [Symbol.asyncDispose]: async () => undefined,
      };
    }
    const part = resolved ?? { start: 0, end: stat.size - 1 };
    const { signal, requestId, now } = ctx;
    const own = plainContext({ signal, requestId, now });
    return {
      ...answer,
      ...(await verified(blob, part, {
        open: (options) => content.read(own, placeOf(blob.id), options),
        signal,
        room,
        piece,
      })),
    };
  };
