import { randomUUID } from "node:crypto";
import { Readable } from "node:stream";
import { type Backend, FileError, isRoot, type WriteResult } from "@bulkhead/contract";
import { answering } from "./answering.ts";
import { checksumOf } from "./checksum.ts";
import { answerFor } from "./fault.ts";
import { judgeTarget } from "./judge.ts";
import { conditionOf, land, lookAtTarget } from "./land.ts";
import { checkAborted, fill, type Pull, pull } from "./pull.ts";
import { inParts } from "./parts.ts";
import { maxFileSize } from "./part-sizes.ts";
import { stagedId } from "./staged-id.ts";
import { bareEtag, type Store } from "./store.ts";
import { headersOf, type Upload } from "./upload.ts";

/** `Backend.write`: in one piece where it is short, streamed where its length is known, else in parts. */
export const write =
  (store: Store): Backend["write"] =>
  (asked, path, body, options = {}) =>
    answering(asked, async (ctx) => {
      const { mode = "overwrite" } = options;
      const { bufferBytes, singleBytes } = store.limits;
      checkAborted(ctx.signal);
      if (isRoot(path)) judgeTarget({ is: "directory" }, mode);
      const small = body.size !== undefined && body.size <= bufferBytes;
      const upload = { ctx, path, options, write: randomUUID() };
      // Refused before the body is pulled where that spares something; judged again when it counts.
      if (!small) await lookAtTarget(store, path, mode, ctx.signal);
      const source = pull(body, ctx.signal, maxFileSize);
      try {
        if (small) {
          const { bytes } = await fill(source, bufferBytes, undefined);
          return await inOnePiece(store, upload, bytes);
        }
        return body.size !== undefined && body.size <= singleBytes
          ? await streamed(store, upload, source, body.size)
          : await inParts(store, upload, source, body.size, (bytes) =>
              inOnePiece(store, upload, bytes),
            );
      } finally {
        source.end();
      }
    });

const inOnePiece = (store: Store, upload: Upload, bytes: Uint8Array): Promise<WriteResult> => {
  const { ctx, path, options, write: id } = upload;
  const { mode = "overwrite" } = options;
  return land(store, {
    ctx,
    path,
    mode,
    size: bytes.length,
    staged: stagedId({ kind: "object", write: id }),
    write: id,
    again: true,
    effect: async (on) => {
      const answer = await store.api.putObject(
        {
          ...headersOf(store, upload),
          Body: bytes,
          ...(store.checksums && { ChecksumCRC32: checksumOf(bytes) }),
          ...conditionOf(on, store.support),
        },
        { abortSignal: ctx.signal },
      );
      return bareEtag(answer.ETag);
    },
  });
};

/**
 * Sends a body while it comes, all but its last chunk: the object becomes visible with the last byte, so that one waits
 * for the body to end as it said, for a look, and for the commit. What is given up before is cut off, and never stored.
 */
const streamed = async (
  store: Store,
  upload: Upload,
  source: Pull,
  size: number,
): Promise<WriteResult> => {
  const { ctx, path, options, write: id } = upload;
  const { mode = "overwrite" } = options;
  const stop = new AbortController();
  const held = Promise.withResolvers<void>();
  const granted = Promise.withResolvers<void>();
  let failure: unknown;

  async function* content(): AsyncGenerator<Uint8Array> {
    let last: Uint8Array | undefined;
    try {
      for (let chunk = await source.next(); chunk !== undefined; chunk = await source.next()) {
        if (last !== undefined) yield last;
        // A copy: the sender may fill the same buffer again.
        last = chunk.slice();
      }
      held.resolve();
      await granted.promise;
    } catch (error) {
      failure ??= error;
      held.reject(error);
      // Before the stream ends: its end must not be taken for the body's.
      stop.abort();
      throw error;
    }
    if (last !== undefined) yield last;
  }

  const sent = Readable.from(content(), { objectMode: false });
  // Its end is told through the request; when that is cut off first, nobody listens to the stream any more.
  sent.on("error", () => undefined);
  const sending = store.api.putObject(
    {
      ...headersOf(store, upload),
      Body: sent,
      ContentLength: size,
      ...conditionOf(mode, store.support),
    },
    { abortSignal: AbortSignal.any([ctx.signal, stop.signal]) },
  );
  sending.catch((error: unknown) => held.reject(error));
  for (const settled of [held.promise, granted.promise]) settled.catch(() => undefined);
  try {
    await held.promise.catch((error: unknown) => {
      throw failure ?? answerFor(error, ctx.signal);
    });
    return await land(store, {
      ctx,
      path,
      mode,
      size,
      staged: stagedId({ kind: "object", write: id }),
      write: id,
      effect: async () => {
        granted.resolve();
        return bareEtag((await sending).ETag);
      },
    });
  } catch (error) {
    stop.abort();
    granted.reject(new FileError("aborted", "This upload was given up."));
    // What is cut off ends before anybody is told, so that nothing comes after the answer.
    await sending.catch(() => undefined);
    throw error;
  }
};
