import { type Backend, FileError, segmentsOf } from "@bulkhead/contract";
import { checkSignal, resolveRange } from "@bulkhead/kit";
import { statOf } from "./entry.ts";
import { chunkBytes, type Volume } from "./volume.ts";

/** Parts fetched by one query: 1 MiB is in memory for a reader, however slow. */
const partsAtOnce = 4;

const collected = (): FileError =>
  new FileError(
    "conflict",
    "The file was replaced or removed, and what it held is gone now; read it again.",
  );
const letGo = (): FileError =>
  new FileError("aborted", "The content was let go of before it was read to its end.");

/**
 * Streams the bytes from `start` to `end` (inclusive) of one content, holding no connection between queries. Throws
 * `conflict` if it has been collected meanwhile: never short, never of two contents.
 */
async function* parts(
  { database, graceMs }: Volume,
  blob: string,
  start: number,
  end: number,
  signal: AbortSignal,
  over: () => boolean,
): AsyncGenerator<Uint8Array> {
  const last = Math.floor(end / chunkBytes);
  let kept = performance.now();
  for (let part = Math.floor(start / chunkBytes); part <= last;) {
    checkSignal(signal);
    if (over()) throw letGo();
    if (performance.now() - kept > graceMs / 3) {
      await database.rows("keep", [blob, graceMs], signal);
      kept = performance.now();
    }
    const upTo = Math.min(part + partsAtOnce - 1, last);
    const rows = await database.rows("chunks", [blob, part, upTo], signal);
    for (const [index, bytes] of rows) {
      if (index !== part || !(bytes instanceof Uint8Array)) throw collected();
      checkSignal(signal);
      if (over()) throw letGo();
      const from = part * chunkBytes;
      yield bytes.subarray(Math.max(start - from, 0), Math.min(end - from + 1, bytes.length));
      part += 1;
    }
    if (part <= upTo) throw collected();
  }
}

/** `Backend.read`: one query for the stat and small content, which is of the same moment. */
export const read =
  (volume: Volume): Backend["read"] =>
  async (ctx, path, { range, ifMatch } = {}) => {
    checkSignal(ctx.signal);
    const [row] = await volume.database.rows("open", [segmentsOf(path), true], ctx.signal);
    const stat = statOf(typeof row?.[0] === "string" ? JSON.parse(row[0]) : undefined);
    if (stat.etag === undefined)
      throw new FileError("is-directory", "There is a directory at this path.");
    if (ifMatch !== undefined && ifMatch !== stat.etag)
      throw new FileError(
        "precondition-failed",
        "The file is not the one that was named; look at it again.",
        { fields: { etag: stat.etag } },
      );
    const resolved = range === undefined ? undefined : resolveRange(range, stat.size);
    const { start, end } = resolved ?? { start: 0, end: stat.size - 1 };
    const small = stat.size === 0 ? new Uint8Array() : row?.[1];
    let over = false;
    return {
      stat,
      ...(resolved && { range: resolved }),
      content:
        small instanceof Uint8Array
          ? small.subarray(start, end + 1)
          : parts(volume, stat.etag, start, end, ctx.signal, () => over),
      [Symbol.asyncDispose]: async () => {
        over = true;
      },
    };
  };
