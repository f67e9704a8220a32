import { randomUUID } from "node:crypto";
import { dropBucket, makeBucket, type OwnBucket } from "@bulkhead/backend-s3";
import { child, FileError, type VirtualPath } from "@bulkhead/contract";
import { type Ledger, type NewMount, runtimeMountId, type TenantBucket } from "@bulkhead/ledger";
import { hashedBucketName, plainBucketName } from "./bucket-name.ts";
import { mountPlace } from "./mount-place.ts";
import type { BackendSpec, PlacementSpec } from "./mount-spec.ts";
import { bucketOptions } from "./open-bucket.ts";

export interface TenantBucketsOptions {
  readonly ledger: Pick<Ledger, "provisioning" | "contentRoots">;
  readonly placements: Readonly<Record<string, PlacementSpec>>;
  readonly backends: Readonly<Record<string, BackendSpec>>;
}

/** A tenant that is to be made, as far as its buckets are named by it. */
export interface BucketsOwner {
  readonly id: string;
  readonly uid: string;
  readonly root: VirtualPath;
  readonly placement: string;
  readonly subdomain: string | undefined;
}

/** What became of a bucket. */
export interface DroppedBucket extends TenantBucket {
  /** False where it was left as it is, because it is not the one that was made. */
  readonly gone: boolean;
}

/** Which buckets were noted, in what outlives the process, to be about to be made or removed. */
export interface BucketNotes {
  readonly has: (bucket: string) => boolean;
  readonly set: (bucket: string, about: boolean) => Promise<void>;
}

/** The buckets that tenants have of their own. */
export interface TenantBuckets {
  /** True if tenants of a placement get any. */
  readonly has: (placement: string) => boolean;
  /** The mounts of a new tenant's buckets, which nobody else has the names of. */
  readonly plan: (owner: BucketsOwner) => Promise<readonly NewMount[]>;
  /** Makes what is missing; answers the buckets' names. Idempotent. Rejects with `already-exists` where one is another's. */
  readonly make: (
    uid: string,
    notes: BucketNotes,
    signal: AbortSignal,
    onBucket: () => Promise<void>,
  ) => Promise<readonly string[]>;
  /** Removes them with all that is in them, however far they came; what is not ours stays. Idempotent. */
  readonly drop: (
    uid: string,
    notes: BucketNotes,
    signal: AbortSignal,
  ) => Promise<readonly DroppedBucket[]>;
}

/** Makes, names and removes tenants' buckets. Whose one is says its marker, which is in the ledger before it is there. */
export const tenantBuckets = (options: TenantBucketsOptions): TenantBuckets => {
  const { ledger, placements, backends } = options;

  const own = async (one: TenantBucket, uid: string, notes: BucketNotes): Promise<OwnBucket> => {
    const storage = { bucket: one.bucket, made: true };
    const found = mountPlace(backends, { ...one, storage, tenantUid: uid });
    if (found?.bucket === undefined)
      throw new FileError(
        "unavailable",
        `The backend '${one.backend}' of the tenant's buckets is not configured.`,
      );
    const store = runtimeMountId(one.id);
    await ledger.contentRoots.record(store, randomUUID());
    const marker = await ledger.contentRoots.get(store);
    if (marker === undefined) throw new FileError("conflict", "The tenant is gone.");
    const { spec, bucket: place } = found;
    return {
      options: await bucketOptions({ spec, place }),
      marker,
      noted: notes.has(one.bucket),
    };
  };

  return {
    has: (placement) => placements[placement]?.buckets !== undefined,
    plan: async ({ id, uid, root, placement, subdomain }) => {
      const wanted = placements[placement]?.buckets;
      if (wanted === undefined) return [];
      const { backend, names, prefix } = wanted;
      const named = names.map((name) => {
        const naming = { prefix, tenant: subdomain ?? id, uid, name };
        return { name, plain: plainBucketName(naming), hashed: hashedBucketName(naming) };
      });
      const plain = named.flatMap((one) => one.plain ?? []);
      const taken = await ledger.provisioning.takenBuckets(plain);
      // A tenant's buckets are called alike: if one has to be told apart, all are.
      const told = plain.length === names.length && taken.length === 0;
      return named.map(({ name, plain: short, hashed }) => ({
        id: randomUUID(),
        path: child(root, name),
        tenantUid: uid,
        backend,
        storage: { bucket: told ? (short ?? hashed) : hashed, made: true },
        priority: 0,
        credentials: undefined,
      }));
    },
    make: async (uid, notes, signal, onBucket) => {
      const buckets = await ledger.provisioning.buckets(uid);
      for (const one of buckets) {
        await onBucket();
        const bucket = await own(one, uid, notes);
        const note = (about: boolean): Promise<void> => notes.set(one.bucket, about);
        await makeBucket(bucket, note, signal);
        // A tenant that was deleted while it was made may have looked for it too early.
        await onBucket().catch(async (error: unknown) => {
          if (!signal.aborted) await dropBucket(bucket, note, signal);
          throw error;
        });
      }
      return buckets.map(({ bucket }) => bucket);
    },
    drop: async (uid, notes, signal) => {
      const dropped: DroppedBucket[] = [];
      for (const one of await ledger.provisioning.buckets(uid)) {
        const bucket = await own(one, uid, notes);
        const note = (about: boolean): Promise<void> => notes.set(one.bucket, about);
        dropped.push({ ...one, gone: await dropBucket(bucket, note, signal) });
      }
      return dropped;
    },
  };
};
