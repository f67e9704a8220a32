import type { S3 } from "@aws-sdk/client-s3";
import { FileError, reservedName } from "@bulkhead/contract";
import { connect } from "./connect.ts";
import { emptyBucketBut } from "./empty-bucket.ts";
import { answerFor, faultOf } from "./fault.ts";
import { isEmptyFolder, listObjects } from "./list-objects.ts";
import type { S3Options } from "./options.ts";

/** A bucket that somebody has to himself: its marker says whose it is, and no other is touched. */
export interface OwnBucket {
  /** How it is reached; without a prefix. */
  readonly options: S3Options;
  /** The id that its marker has, or is to have. */
  readonly marker: string;
  /**
   * True if it was noted before that this bucket was about to be made, after a look that found none, or about to be
   * removed: one that is empty and has no marker is then what was left of that.
   */
  readonly noted: boolean;
}

const markerKey = `${reservedName}/marker`;

type Look = "missing" | "ours" | "empty" | "foreign";

const look = async (
  api: S3,
  { options: { bucket }, marker }: OwnBucket,
  signal: AbortSignal,
): Promise<Look> => {
  const asked = { abortSignal: signal };
  try {
    const found = await api.getObject({ Bucket: bucket, Key: markerKey }, asked);
    return (await found.Body?.transformToString())?.trim() === marker ? "ours" : "foreign";
  } catch (error) {
    const { name, status } = faultOf(error);
    if (name === "NoSuchBucket") return "missing";
    if (status === 403) return "foreign";
    if (status !== 404) throw error;
  }
  try {
    const { objects } = await listObjects({ api, bucket }, { prefix: "", max: 2 }, signal);
    return objects.every(isEmptyFolder) ? "empty" : "foreign";
  } catch (error) {
    if (faultOf(error).name === "NoSuchBucket") return "missing";
    throw error;
  }
};

const taken = (bucket: string): FileError =>
  new FileError("already-exists", `There is a bucket '${bucket}' that is not this tenant's.`, {
    retry: "never",
  });

/** True if the bucket was made by this very request. */
const create = async (api: S3, { bucket, region, endpoint }: S3Options): Promise<boolean> => {
  // Amazon wants the region to be said, but for the one that it has where none is.
  const apart = endpoint === undefined && region !== "us-east-1";
  try {
    await api.createBucket({
      Bucket: bucket,
      ...(apart && { CreateBucketConfiguration: { LocationConstraint: locationOf(region) } }),
    });
    return true;
  } catch (error) {
    if (faultOf(error).status === 409) return false;
    throw error;
  }
};

type Location = NonNullable<
  NonNullable<Parameters<S3["createBucket"]>[0]["CreateBucketConfiguration"]>["LocationConstraint"]
>;

/** The SDK's list of regions is as old as the SDK; which there are is the store's to say. */
// oxlint-disable-next-line typescript/no-unsafe-type-assertion -- a string on the wire
const locationOf = (region: string): Location => region as Location;

/** Remembers, or forgets, in what outlives the process, that a bucket is about to be made or removed. */
export type Note = (about: boolean) => Promise<void>;

/**
 * Makes a bucket and leaves the marker in it, or finds what an earlier try made. Throws `already-exists` where there is
 * one that is not ours, which is left as it is. Idempotent.
 */
export const makeBucket = async (
  own: OwnBucket,
  note: Note,
  signal: AbortSignal,
): Promise<void> => {
  const { options, marker, noted } = own;
  const { bucket } = options;
  const api = await connect(options);
  try {
    let found = await look(api, own, signal);
    let made = noted;
    if (found === "missing") {
      await note(true);
      signal.throwIfAborted();
      made = (await create(api, options)) || made;
      // Somebody was quicker: what is there is not ours to remove either.
      if (!made) await note(false);
      found = await look(api, own, signal);
    }
    if (found === "ours") return;
    if (found !== "empty" || !made) throw taken(bucket);
    // Nobody else knows of it; if somebody does, the one who is first keeps it.
    await api
      .putObject(
        { Bucket: bucket, Key: markerKey, Body: `${marker}\n`, IfNoneMatch: "*" },
        { abortSignal: signal },
      )
      .catch((error: unknown) => {
        if (faultOf(error).status !== 412) throw error;
      });
    if ((await look(api, own, signal)) !== "ours") throw taken(bucket);
  } catch (error) {
    throw answerFor(error, signal);
  } finally {
    api.destroy();
  }
};

/**
 * Removes a bucket with all that is in it, its marker last. Answers whether none of ours is left: false where the bucket
 * is not ours, which is left as it is. Idempotent.
 */
export const dropBucket = async (
  own: OwnBucket,
  note: Note,
  signal: AbortSignal,
): Promise<boolean> => {
  const { options, noted } = own;
  const { bucket } = options;
  const api = await connect(options);
  try {
    const found = await look(api, own, signal);
    if (found === "missing") return true;
    if (found !== "ours" && !(found === "empty" && noted)) return false;
    await note(true);
    await emptyBucketBut({ api, bucket }, "", markerKey, signal);
    await emptyBucketBut({ api, bucket }, "", undefined, signal);
    await api.deleteBucket({ Bucket: bucket }, { abortSignal: signal }).catch((error: unknown) => {
      if (faultOf(error).name !== "NoSuchBucket") throw error;
    });
    return true;
  } catch (error) {
    throw answerFor(error, signal);
  } finally {
    api.destroy();
  }
};
