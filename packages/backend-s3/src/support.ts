import { randomUUID } from "node:crypto";
import type { S3 } from "@aws-sdk/client-s3";
import { isRefused } from "./fault.ts";
import type { Keys } from "./keys.ts";
import { listObjects } from "./list-objects.ts";
import { copySource } from "./store.ts";

/** What an endpoint was seen to do. Nothing of it is assumed. */
export interface Support {
  /** Writes only where nothing is (`If-None-Match: *`). */
  readonly createOnly: boolean;
  /** Writes only over what is named (`If-Match`). */
  readonly ifMatch: boolean;
  /** Both, on the completion of an upload in parts. */
  readonly conditionalParts: boolean;
  /** Both, on the target of a copy. */
  readonly conditionalCopy: boolean;
  /** Removes only what is named. */
  readonly conditionalRemove: boolean;
  /** Lists every key as it is; else characters that XML cannot hold come as U+FFFD. */
  readonly everyCharacter: boolean;
  /** Listings are in the order of the keys' bytes; else a directory comes where its name without the slash would. */
  readonly keyOrder: boolean;
  /** Shows folders for a while that nothing lies in any more. */
  readonly leavesFolders: boolean;
}

/** For what is only read: nothing is known, and nothing written to find it out. */
export const unknownSupport: Support = {
  createOnly: false,
  ifMatch: false,
  conditionalParts: false,
  conditionalCopy: false,
  conditionalRemove: false,
  everyCharacter: true,
  keyOrder: false,
  leavesFolders: false,
};

const nobodys = '"00000000000000000000000000000000"';

/** True if the store refused for the condition alone; false if it went ahead. Rejects for any other failure. */
const refuses = (attempt: Promise<unknown>): Promise<boolean> =>
  attempt.then(
    () => false,
    (error: unknown) => {
      if (isRefused(error)) return true;
      throw error;
    },
  );

/** As `refuses`, where a store may not know the request at all. */
const surelyRefuses = (attempt: Promise<unknown>): Promise<boolean> =>
  refuses(attempt).catch(() => false);

/**
 * Finds out what a bucket supports, with a few small objects among the storage's own, most of which are removed again.
 */
export const probeSupport = async (
  api: S3,
  bucket: string,
  keys: Keys,
  signal: AbortSignal,
): Promise<Support> => {
  const options = { abortSignal: signal };
  const folder = keys.own(`probe-${randomUUID()}`);
  const at = (name: string): { Bucket: string; Key: string } => ({
    Bucket: bucket,
    Key: `${folder}/${name}`,
  });
  const put = (name: string, condition: Readonly<Record<string, string>> = {}): Promise<unknown> =>
    api.putObject({ ...at(name), Body: "x", ...condition }, options);

  const conditional = async (): Promise<Partial<Support>> => {
    await put("object");
    const createOnly = await refuses(put("object", { IfNoneMatch: "*" }));
    const ifMatch = await refuses(put("object", { IfMatch: nobodys }));
    const conditionalCopy = await surelyRefuses(
      api.copyObject(
        {
          ...at("object"),
          CopySource: copySource(bucket, at("object").Key),
          MetadataDirective: "REPLACE",
          IfNoneMatch: "*",
        },
        options,
      ),
    );
    const conditionalParts = await conditionalCompletion();
    const conditionalRemove = await surelyRefuses(
      api.deleteObject({ ...at("object"), IfMatch: nobodys }, options),
    );
    return { createOnly, ifMatch, conditionalCopy, conditionalParts, conditionalRemove };
  };

  const conditionalCompletion = async (): Promise<boolean> => {
    const upload = await api.createMultipartUpload(at("object"), options);
    const named = { ...at("object"), UploadId: upload.UploadId };
    const part = await api.uploadPart({ ...named, PartNumber: 1, Body: "x" }, options);
    const parts = { Parts: [{ PartNumber: 1, ETag: part.ETag }] };
    const refused = await surelyRefuses(
      api.completeMultipartUpload({ ...named, MultipartUpload: parts, IfNoneMatch: "*" }, options),
    );
    await api.abortMultipartUpload(named, options).catch(() => undefined);
    return refused;
  };

  const listing = async (): Promise<Partial<Support>> => {
    await Promise.all(["listed/a/x", "listed/a!", "listed/b\uffff", "left/x"].map((n) => put(n)));
    await api.deleteObject(at("left/x"), options);
    const store = { api, bucket };
    const prefix = `${folder}/listed/`;
    const [all, first, left] = await Promise.all([
      listObjects(store, { prefix }, signal),
      listObjects(store, { prefix, level: true, max: 1 }, signal),
      listObjects(store, { prefix: `${folder}/left/`, level: true }, signal),
    ]);
    return {
      everyCharacter: all.objects.some(({ key }) => key === `${prefix}b\uffff`),
      keyOrder: first.prefixes.length === 0,
      leavesFolders: left.objects.length > 0,
    };
  };

  try {
    const [one, other] = await Promise.all([conditional(), listing()]);
    return { ...unknownSupport, ...one, ...other };
  } finally {
    // Deepest first: a store that makes folders of them takes away what is empty.
    const names = ["listed/a/x", "listed/a!", "listed/b\uffff", "object", "listed/a/", "listed/"];
    for (const name of [...names, "left/", ""])
      await api.deleteObject(at(name), options).catch(() => undefined);
  }
};
