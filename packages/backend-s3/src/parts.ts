import type { CompletedPart } from "@aws-sdk/client-s3";
import type { Mode, OpContext, WriteResult } from "@bulkhead/contract";
import pLimit from "p-limit";
import { checksumOf } from "./checksum.ts";
import { answerFor, isAmbiguous } from "./fault.ts";
import { conditionOf, land } from "./land.ts";
import { abortUpload, openUpload, type OpenUpload } from "./open-upload.ts";
import { partSize } from "./part-sizes.ts";
import { fill, type Pull } from "./pull.ts";
import { stagedId } from "./staged-id.ts";
import { bareEtag, type Store } from "./store.ts";
import { headersOf, type Upload } from "./upload.ts";

/**
 * Makes the parts one object. Where the answer leaves open whether it is one now, the upload is given up first: then it
 * cannot become one behind the look that decides.
 */
const completeUpload = async (
  store: Store,
  ctx: OpContext,
  mode: Mode,
  upload: OpenUpload,
  parts: readonly CompletedPart[],
): Promise<string> => {
  const honoured = store.support.conditionalParts;
  const ordered = [...parts].sort((a, b) => numberOf(a) - numberOf(b));
  try {
    const answer = await store.api.completeMultipartUpload(
      {
        ...upload,
        MultipartUpload: { Parts: ordered },
        ...conditionOf(mode, { createOnly: honoured, ifMatch: honoured }),
      },
      { abortSignal: ctx.signal },
    );
    return bareEtag(answer.ETag);
  } catch (error) {
    if (isAmbiguous(error)) await abortUpload(store, upload).catch(() => undefined);
    throw error;
  }
};

const numberOf = ({ PartNumber = 0 }: CompletedPart): number => PartNumber;

/**
 * Sends a body in parts, several at once, none of which is seen before the last step. A body that ends within the first
 * is handed to `whole`.
 */
export const inParts = async (
  store: Store,
  upload: Upload,
  source: Pull,
  size: number | undefined,
  whole: (bytes: Uint8Array) => Promise<WriteResult>,
): Promise<WriteResult> => {
  const { ctx, path, options, write } = upload;
  const { partBytes, parallelParts } = store.limits;
  const first = await fill(source, partSize(1, partBytes, size), undefined);
  if (first.ended) return whole(first.bytes);

  const open = await openUpload(store, headersOf(store, upload), ctx.signal).catch(
    (error: unknown) => {
      throw answerFor(error, ctx.signal);
    },
  );
  const parts: CompletedPart[] = [];
  const stop = new AbortController();
  const signal = AbortSignal.any([ctx.signal, stop.signal]);
  const limit = pLimit(parallelParts);
  const sending = new Set<Promise<void>>();
  let failed: { readonly error: unknown } | undefined;

  const send = async (number: number, bytes: Uint8Array): Promise<void> => {
    const checksum = store.checksums ? { ChecksumCRC32: checksumOf(bytes) } : {};
    const answer = await store.api.uploadPart(
      { ...open, PartNumber: number, Body: bytes, ...checksum },
      { abortSignal: signal },
    );
    parts.push({ PartNumber: number, ETag: answer.ETag, ...checksum });
  };

  try {
    let total = 0;
    let part = first;
    for (let number = 1; ; number++) {
      const { bytes } = part;
      total += bytes.length;
      const sent = limit(send, number, bytes).catch((error: unknown) => {
        failed ??= { error };
        stop.abort();
      });
      sending.add(sent);
      void sent.finally(() => sending.delete(sent));
      if (part.ended) break;
      // Memory holds the parts in flight and the one that fills.
      while (sending.size >= parallelParts) await Promise.race(sending);
      if (failed !== undefined) break;
      part = await fill(source, partSize(number + 1, partBytes, size), part.rest);
      if (part.ended && part.bytes.length === 0) break;
    }
    await Promise.all(sending);
    if (failed !== undefined) throw answerFor(failed.error, ctx.signal);
    return await land(store, {
      ctx,
      path,
      mode: options.mode ?? "overwrite",
      size: total,
      staged: stagedId({ kind: "object", write, upload: open.UploadId }),
      write,
      effect: () => completeUpload(store, ctx, options.mode ?? "overwrite", open, parts),
    });
  } catch (error) {
    stop.abort();
    await Promise.all(sending);
    // What cannot be given up now is the sweep's.
    await abortUpload(store, open).catch(() => undefined);
    throw error;
  }
};
