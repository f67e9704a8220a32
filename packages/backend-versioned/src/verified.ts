import { createHash } from "node:crypto";
import {
  FileError,
  type ReadOptions,
  type ReadResult,
  type ResolvedRange,
} from "@bulkhead/contract";
import { chunksOf } from "@bulkhead/kit";
import { checkSignal } from "./cancelled.ts";
import type { FrameRoom, HeldFrame } from "./frame-room.ts";
import { frameBytes, frameDigest } from "./frames.ts";
import { framesOf } from "./frames-of.ts";
import type { StoredBlob } from "./ledger-commit.ts";

/** Content is answered in pieces of at most so many bytes. */
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

/** What stores a blob, and how it is read. */
export interface VerifiedOptions {
  /** Opens a part of the blob's bytes. */
  readonly open: (options: ReadOptions) => Promise<ReadResult>;
  readonly signal: AbortSignal;
  readonly room: FrameRoom;
  /** How many bytes the reader takes next. */
  readonly piece: (() => number) | undefined;
}

/**
 * Opens a part of a blob. Whole frames are read and compared with their digests before a byte of them is handed on: what
 * is not what was stored ends in an error, never cleanly. A frame is held while its reader takes it as long as there is
 * room; else it is read twice, to compare it and to hand it on. Throws `internal` if the content is gone.
 */
export const verified = async (
  blob: StoredBlob,
  { start, end }: ResolvedRange,
  { open, signal, room, piece = () => pieceBytes }: VerifiedOptions,
): Promise<Verified> => {
  if (blob.codec !== "raw") throw damaged();
  const first = Math.floor(start / frameBytes);
  const last = Math.floor(end / frameBytes);
  const endOf = (index: number): number => Math.min((index + 1) * frameBytes, blob.size);
  /** The one reading that is open: who waited for a second one while holding the first could wait for ever. */
  let reading: ReadResult | undefined;
  let held: HeldFrame | undefined;
  let turn: (() => void) | undefined;
  let over = false;

  const check = (): void => {
    checkSignal(signal);
    if (over)
      throw new FileError("aborted", "The content was let go of before it was read to its end.");
  };

  const close = async (): Promise<void> => {
    const last = reading;
    reading = undefined;
    await last?.[Symbol.asyncDispose]();
  };
  const reopen = async (from: number, to: number, how: ReadOptions): Promise<ReadResult> => {
    await close();
    try {
      reading = await open({
        range: { start: from, end: to - 1 },
        ...how,
      });
    } catch (error) {
      // Its row is there, its bytes are not, or fewer than there were.
      const lost =
        error instanceof FileError && ["not-found", "range-not-satisfiable"].includes(error.code);
      throw lost ? damaged(error) : error;
    }
    // Let go of while it was opened.
    if (over) await close();
    check();
    return reading;
  };

  /** The parts of the frame that is held; emptied when it is let go of. */
  let parts: Uint8Array[] = [];
  /** Where the first of them begins in the blob. */
  let partsFrom = 0;
  /** Whether the next frame is held, decided when it begins. */
  const begin = async (): Promise<boolean> => {
    // Who takes little at once is slow: others need the room more.
    held = piece() < pieceBytes ? undefined : room.take(() => void parts.splice(0));
    if (held === undefined) turn = await room.turn(signal);
    return held !== undefined;
  };
  /** Parts of a frame that is not held are done with as they come. */
  const isCompared = (): boolean => held === undefined;
  const finish = (): void => {
    parts.splice(0);
    held?.end();
    held = undefined;
    turn?.();
    turn = undefined;
  };

  /** Reads a frame again that was verified, and hands on what is wanted of it from `from` on, the last of it compared. */
  async function* handedOn(index: number, from: number): AsyncGenerator<Uint8Array> {
    const until = Math.min(end + 1, endOf(index));
    let at = index * frameBytes;
    const wanted = (): number => {
      if (at >= until) return pieceBytes;
      return at < from ? Math.min(pieceBytes, from - at) : Math.min(piece(), until - at);
    };
    const { content } = await reopen(at, endOf(index), { piece: wanted, reuse: () => true });
    const hash = createHash("sha256");
    let kept: Uint8Array | undefined;
    for await (const chunk of chunksOf(content)) {
      check();
      hash.update(chunk);
      const part = chunk.subarray(Math.max(0, from - at), Math.max(0, until - at));
      at += chunk.length;
      if (part.length === 0) continue;
      if (at < until) yield part;
      // A copy: the same buffer may be filled again.
      else kept = part.slice();
    }
    if (kept === undefined || hash.digest("hex") !== frameDigest(blob.frames, index))
      throw damaged();
    yield kept;
  }

  /** The next piece of the frame that is held. No variable keeps its part while the reader is waited for. */
  const heldPiece = (at: number, until: number): Uint8Array => {
    for (let part = parts[0]; part !== undefined; part = parts[0]) {
      const from = at - partsFrom;
      const taken = part.subarray(
        from,
        Math.min(from + pieceBytes, from + piece(), until - partsFrom),
      );
      if (from + taken.length >= part.length) {
        partsFrom += part.length;
        parts.shift();
      }
      // A small piece would keep all of its part.
      if (taken.length > 0) return taken.length * 2 < part.length ? taken.slice() : taken;
    }
    throw damaged();
  };

  /** Hands on what is wanted of the frame that is held; answers where it stopped if that is let go of. */
  async function* fromHeld(frame: HeldFrame, from: number, until: number) {
    for (let at = from; at < until;) {
      check();
      const next = heldPiece(at, until);
      at += next.length;
      frame.waits();
      yield next;
      if (!frame.goesOn()) return at;
    }
    return until;
  }

  /** Hands on from a frame's begin to the end, or to that of the first frame that is not held to its own. */
  async function* handing(index: number, content: ReadResult["content"]) {
    let at = index;
    for await (const frame of framesOf(chunksOf(content), begin)) {
      if (at > last || frame.digest !== frameDigest(blob.frames, at)) throw damaged();
      turn?.();
      turn = undefined;
      const until = Math.min(end + 1, endOf(at));
      let from = Math.max(start, at * frameBytes);
      if (held !== undefined) {
        ({ parts } = frame);
        partsFrom = at * frameBytes;
        from = yield* fromHeld(held, from, until);
      }
      finish();
      if (from < until) {
        yield* handedOn(at, from);
        return at + 1;
      }
      at += 1;
    }
    if (at <= last) throw damaged();
    return at;
  }

  async function* checked(): AsyncGenerator<Uint8Array> {
    try {
      for (let index = first; index <= last;) {
        check();
        const { content } =
          reading ?? (await reopen(index * frameBytes, endOf(last), { reuse: isCompared }));
        index = yield* handing(index, content);
        await close();
      }
    } finally {
      finish();
    }
  }

  await reopen(first * frameBytes, endOf(last), { reuse: isCompared });
  return {
    content: checked(),
    [Symbol.asyncDispose]: async () => {
      over = true;
      finish();
      await close();
    },
  };
};
