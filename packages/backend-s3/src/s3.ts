import {
  type Backend,
  type BackendPath,
  type Capability,
  FileError,
  pathLimits,
  type Recovery,
  utf8Length,
} from "@bulkhead/contract";
import { pathLocks } from "@bulkhead/kit";
import { LRUCache } from "lru-cache";
import { connect } from "./connect.ts";
import { copy } from "./copy.ts";
import { answerFor, headerOf } from "./fault.ts";
import { type HiddenKeys, hiddenKeys } from "./hidden-keys.ts";
import { keysOf } from "./keys.ts";
import { knownPlaces } from "./known-places.ts";
import { list } from "./list.ts";
import { listObjects } from "./list-objects.ts";
import { findMarker } from "./marker.ts";
import { mkdir } from "./mkdir.ts";
import { move } from "./move.ts";
import { defaultLimits, keyBytes, keyPrefixOf, type S3Options } from "./options.ts";
import { maxFileSize } from "./part-sizes.ts";
import { read, stat } from "./read.ts";
import { recovery } from "./recover.ts";
import { remove } from "./remove.ts";
import type { Store, StoredObject } from "./store.ts";
import { probeSupport, type Support, unknownSupport } from "./support.ts";
import { write } from "./write.ts";

export interface S3Backend extends Backend, Recovery {
  /** What the endpoint was found to support. */
  readonly support: Support;
  /** The id of the place, where one was asked for. */
  readonly marker: string | undefined;
  /** Counts the keys that are no legal path, and names some. */
  readonly hidden: (signal: AbortSignal) => Promise<HiddenKeys>;
}

/** How long what was seen of a place is believed where others write too. */
const notFileMs = 30_000;
const doubtMs = 300_000;

const capabilityOf = ({ support, keys }: Store): Capability => ({
  conditionalWrite: support.createOnly && support.ifMatch && support.conditionalParts,
  atomicMove: false,
  directories: false,
  versions: false,
  exactReplace: false,
  contentEtag: false,
  orderedList: true,
  contentType: true,
  metadata: true,
  durable: true,
  maxFileSize,
  maxPathBytes: Math.min(pathLimits.pathBytes, keyBytes - utf8Length(keys.prefix)),
});

/** The bucket's own word for where it is: an answer, or the refusal that names the right place. */
const regionOf = async ({
  api,
  bucket,
}: Pick<Store, "api" | "bucket">): Promise<string | undefined> => {
  try {
    const head = await api.headBucket({ Bucket: bucket });
    return head.BucketRegion === "" ? undefined : head.BucketRegion;
  } catch (error) {
    const told = headerOf(error, "x-amz-bucket-region");
    if (told !== undefined) return told;
    throw answerFor(error);
  }
};

/**
 * Opens a bucket, or what is below a prefix of it, as a storage: objects are files, by their keys. What the endpoint
 * supports is found out first. Throws `unavailable` if the bucket cannot be reached or its marker is not the expected one.
 */
export const s3 = async (options: S3Options): Promise<S3Backend> => {
  const { bucket, readOnly = false, marker: wanted } = options;
  const keys = keysOf(keyPrefixOf(options.prefix));
  const api = await connect(options);
  const signal = AbortSignal.timeout(30_000);
  let store: Store;
  let marker: string | undefined;
  try {
    // Before anything is written there, not even to find out what it supports.
    if (options.admit !== undefined) await options.admit(await regionOf({ api, bucket }));
    const support =
      options.support ??
      (readOnly ? unknownSupport : await probeSupport(api, bucket, keys, signal));
    const limits = { ...defaultLimits, ...options.limits };
    store = {
      api,
      bucket,
      keys,
      support,
      limits,
      checksums: options.requestChecksumCalculation !== "required",
      collisions: options.collisions ?? true,
      locks: pathLocks(),
      places: knownPlaces({ api, bucket, keys, support, limits }),
      files: new LRUCache<BackendPath, Pick<StoredObject, "etag" | "size">>({
        max: 10_000,
        ttl: notFileMs,
      }),
      notFiles: new LRUCache<BackendPath, true>({ max: 10_000, ttl: notFileMs }),
      doubts: new LRUCache<string, ReadonlySet<string>>({ max: 1000, ttl: doubtMs }),
    };
    if (wanted !== undefined) marker = await findMarker(store, wanted.expect, signal);
  } catch (error) {
    api.destroy();
    throw answerFor(error);
  }

  let closed = false;
  const open =
    <A extends readonly unknown[], R>(
      call: (...args: A) => Promise<R>,
    ): ((...args: A) => Promise<R>) =>
    async (...args) => {
      if (closed) throw new FileError("unavailable", "This storage has been closed.");
      return call(...args);
    };
  const { recover, sweep } = recovery(store);
  return {
    scheme: "s3",
    capability: capabilityOf(store),
    support: store.support,
    marker,
    stat: open(stat(store)),
    read: open(read(store)),
    write: open(write(store)),
    list: open(list(store)),
    mkdir: open(mkdir(store)),
    remove: open(remove(store)),
    copy: open(copy(store)),
    move: open(move(store)),
    region: open(() => regionOf(store)),
    probe: open(async (ctx) => {
      try {
        if (marker !== undefined) await findMarker(store, marker, ctx.signal);
        else await listObjects(store, { prefix: keys.prefix, max: 1 }, ctx.signal);
      } catch (error) {
        throw answerFor(error, ctx.signal);
      }
    }),
    hidden: open((asked) => hiddenKeys(store, asked)),
    close: async () => {
      closed = true;
      api.destroy();
    },
    recover: open(recover),
    sweep: open(sweep),
  };
};
