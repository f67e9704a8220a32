import { createHash } from "node:crypto";
import { type Backend, FileError, type OpContext, type ResolvedRange } from "@bulkhead/contract";
import { chunksOf, plainContext } from "@bulkhead/kit";
import { checkSignal } from "./cancelled.ts";
import { frameBytes, frameDigest } from "./frames.ts";
import type { StoredBlob } from "./ledger-commit.ts";
import { placeOf } from "./place.ts";

/** Content is answered in pieces of this many bytes. */
const pieceBytes = 256 * 1024;

/** What a reader is told where the content is not what was stored. */
export const damaged = (cause?: unknown): FileError =>
  new FileError(
    "internal",
    "The stored content is damaged and cannot be sent; restore an earlier version or a backup.",
    { retry: "never", ...(cause !== undefined && { cause }) },
  );

export interface Verified extends AsyncDisposable {
  readonly content: AsyncIterable<Uint8Array>;
}

/** A frame in the parts in which it came, with the digest of all of them in hex. */
interface Frame {
  readonly parts: Uint8Array[];
  readonly digest: string;
}

/**
 * Gathers chunks into frames: each of `frameBytes`, the last shorter. Digests one chunk while the next is read, but reads
 * no further than to the end of a frame: a slow reader holds one and not two.
 */
async function* framesOf(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Frame> {
  const source = chunks[Symbol.asyncIterator]();
  let parts: Uint8Array[] = [];
  let hash = createHash("sha256");
  let held = 0;
  const closed = (): Frame => {
    const frame = { parts, digest: hash.digest("hex") };
    parts = [];
    hash = createHash("sha256");
    held = 0;
    return frame;
  };
  let ended = false;
  try {
    let coming: ReturnType<typeof source.next> | undefined;
    for (;;) {
      const step = await (coming ?? source.next());
      coming = undefined;
      if (step.done === true) break;
      const chunk = step.value;
      if (held + chunk.length < frameBytes) coming = source.next();
      for (let at = 0; at < chunk.length;) {
        const part = chunk.subarray(at, at + frameBytes - held);
        parts.push(part);
        hash.update(part);
        held += part.length;
        at += part.length;
        if (held === frameBytes) yield closed();
      }
    }
    ended = true;
    if (held > 0) yield closed();
  } finally {
    if (!ended) await source.return?.();
  }
}

/**
 * Opens a part of a blob. Whole frames are read and compared with their digests before a byte of them is handed on: what
 * is not what was stored ends in an error, never cleanly. Throws `internal` if the content is gone.
 */
export const verified = async (
  content: Backend,
  ctx: OpContext,
  blob: StoredBlob,
  { start, end }: ResolvedRange,
): Promise<Verified> => {
  if (blob.codec !== "raw") throw damaged();
  const first = Math.floor(start / frameBytes);
  const last = Math.floor(end / frameBytes);
  const own = plainContext({ signal: ctx.signal, requestId: ctx.requestId, now: ctx.now });
  const opened = await content
    .read(own, placeOf(blob.id), {
      range: { start: first * frameBytes, end: Math.min((last + 1) * frameBytes, blob.size) - 1 },
    })
    .catch((error: unknown) => {
      // Its row is there, its bytes are not, or fewer than there were.
      const lost =
        error instanceof FileError && ["not-found", "range-not-satisfiable"].includes(error.code);
      throw lost ? damaged(error) : error;
    });
  let over = false;

  async function* checked(): AsyncGenerator<Uint8Array> {
    let index = first;
    let sent = 0;
    for await (const { parts, digest } of framesOf(chunksOf(opened.content))) {
      if (index > last || digest !== frameDigest(blob.frames, index)) throw damaged();
      let offset = index * frameBytes;
      // Taken out one by one, so that nothing is held that was handed on.
      for (let part = parts.shift(); part !== undefined; part = parts.shift()) {
        const wanted = part.subarray(Math.max(0, start - offset), Math.max(0, end + 1 - offset));
        offset += part.length;
        for (let at = 0; at < wanted.length; at += pieceBytes) {
          checkSignal(ctx.signal);
          if (over)
            throw new FileError(
              "aborted",
              "The content was let go of before it was read to its end.",
            );
          const piece = wanted.subarray(at, at + pieceBytes);
          sent += piece.length;
          yield piece;
        }
      }
      index += 1;
    }
    if (sent !== end + 1 - start) throw damaged();
  }

  return {
    content: checked(),
    [Symbol.asyncDispose]: async () => {
      over = true;
      await opened[Symbol.asyncDispose]();
    },
  };
};
