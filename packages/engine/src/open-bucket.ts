import {
  emptyBucket,
  s3,
  type S3Backend,
  type S3Keys,
  type S3Options,
  type Support,
} from "@bulkhead/backend-s3";
import { FileError } from "@bulkhead/contract";
import type { ContentRoots } from "@bulkhead/ledger";
import { verifyResidency } from "@bulkhead/resilience";
import type { BucketPlace } from "./bucket-spec.ts";
import type { StorageSpec } from "./mount-spec.ts";

/** What endpoints were found to support, so that each bucket is asked once a process. */
export type Supports = Map<string, Promise<Support>>;

export interface BucketRequest {
  /** The name under which the ledger knows the place. */
  readonly store: string;
  readonly spec: Pick<StorageSpec, "region" | "readOnly">;
  readonly place: BucketPlace;
}

/** How a mount's bucket is opened. Rejects with `unavailable` without credentials. */
export const bucketOptions = async ({
  spec,
  place,
}: Omit<BucketRequest, "store">): Promise<S3Options> => {
  const { region, accessKeyId, secretAccessKey, sessionToken, ...rest } = place.spec;
  const keys = async (): Promise<S3Keys> => {
    const given = { accessKeyId, secretAccessKey, sessionToken, ...(await place.credentials?.()) };
    if (given.accessKeyId === undefined || given.secretAccessKey === undefined)
      throw new FileError("unavailable", "This mount has no credentials for its bucket.");
    return {
      accessKeyId: given.accessKeyId,
      secretAccessKey: given.secretAccessKey,
      sessionToken: given.sessionToken,
    };
  };
  const wanted = typeof spec.region === "object" ? spec.region.attested : spec.region;
  return {
    ...rest,
    region: region ?? wanted ?? "us-east-1",
    ...(await keys()),
    // They may be replaced while the bucket is open.
    ...(place.credentials !== undefined && { present: keys }),
  };
};

/**
 * Opens a mount's bucket, which has to be the one that the ledger recorded: its marker says so. What is only read is not
 * marked.
 */
export const openBucket = async (
  { contentRoots, supports }: { readonly contentRoots: ContentRoots; readonly supports: Supports },
  request: BucketRequest,
  extra: Pick<S3Options, "collisions"> = {},
): Promise<S3Backend> => {
  const { store, spec } = request;
  const options = { ...(await bucketOptions(request)), ...extra };
  if (spec.readOnly) return s3({ ...options, readOnly: true });
  const expect = await contentRoots.get(store);
  const key = JSON.stringify([options.endpoint, options.bucket]);
  const known = supports.get(key);
  // A bucket that is in another region is not even marked.
  const admit = async (region: string | undefined): Promise<void> =>
    void (await verifyResidency({ region: async () => region }, spec.region));
  const opening = (support?: Support): Promise<S3Backend> =>
    s3({ ...options, support, admit, marker: expect === undefined ? {} : { expect } });
  // Whoever comes first asks; one that fails is asked again by the next.
  const support = await known?.catch(() => undefined);
  const opened = opening(support);
  if (support === undefined) {
    const asked = opened.then((backend) => backend.support);
    supports.set(key, asked);
    asked.catch(() => supports.delete(key));
  }
  const backend = await opened;
  try {
    if (expect === undefined && backend.marker !== undefined)
      await contentRoots.record(store, backend.marker);
  } catch (error) {
    await backend.close();
    throw error;
  }
  return backend;
};

/** Removes all that is below a mount's prefix, what is not shown among it. Can be repeated. */
export const eraseBucket = async (
  request: Omit<BucketRequest, "store">,
  signal: AbortSignal,
): Promise<void> => emptyBucket(await bucketOptions(request), signal);
