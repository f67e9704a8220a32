import type { S3 } from "@aws-sdk/client-s3";
import type { BackendPath } from "@bulkhead/contract";
import type { PathLocks } from "@bulkhead/kit";
import type { LRUCache } from "lru-cache";
import type { Keys } from "./keys.ts";
import type { KnownPlaces } from "./known-places.ts";
import type { Limits } from "./options.ts";
import type { Support } from "./support.ts";

/** What the operations on one bucket share. */
export interface Store {
  readonly api: S3;
  readonly bucket: string;
  readonly keys: Keys;
  readonly support: Support;
  readonly limits: Limits;
  /** Whether checksums are sent with what is in memory. */
  readonly checksums: boolean;
  /** Whether a write looks first whether it would lie on a directory or below a file. */
  readonly collisions: boolean;
  /** Between the operations of this process. */
  readonly locks: PathLocks;
  /** What is known of directories. */
  readonly places: KnownPlaces;
  /** Files that were written a moment ago, as they were. */
  readonly files: LRUCache<BackendPath, Pick<StoredObject, "etag" | "size">>;
  /** Paths that were seen not to be files a moment ago. */
  readonly notFiles: LRUCache<BackendPath, true>;
  /** Ids of PUTs whose result is not known, by request and path: an effect that comes late is known by them. */
  readonly doubts: LRUCache<string, ReadonlySet<string>>;
}

/** An object as a listing or a look at it tells. */
export interface StoredObject {
  readonly key: string;
  readonly size: number;
  /** Without quotes. */
  readonly etag: string;
  /** Milliseconds since the epoch. */
  readonly modifiedAt: number;
}

/** An ETag as the tree knows it. */
export const bareEtag = (etag: string | undefined): string => (etag ?? "").replaceAll('"', "");

/** An ETag as a header has it. */
export const quotedEtag = (etag: string): string => `"${etag}"`;

/** The source of a copy: each part of the key percent-encoded, the slashes as they are. */
export const copySource = (bucket: string, key: string): string =>
  `${bucket}/${key.split("/").map(encodeURIComponent).join("/")}`;
