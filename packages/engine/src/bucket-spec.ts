import type { MountCredentials } from "@bulkhead/contract";

/** How a bucket is reached. */
export interface BucketSpec {
  /** The address of the store; Amazon's of the region by default. */
  readonly endpoint?: string | undefined;
  /** What requests are signed for; the mount's region by default, else us-east-1. */
  readonly region?: string | undefined;
  readonly bucket: string;
  /** Of the keys. A placement's holds one for each tenant's root. */
  readonly prefix?: string | undefined;
  /** May be missing where each mount brings its own. */
  readonly accessKeyId?: string | undefined;
  readonly secretAccessKey?: string | undefined;
  readonly sessionToken?: string | undefined;
  readonly forcePathStyle?: boolean | undefined;
  readonly requestChecksumCalculation?: "supported" | "required" | undefined;
}

/** Where in which bucket one mount lies. */
export interface BucketPlace {
  readonly spec: BucketSpec;
  /** The mount's own credentials, asked at each opening; the specification's where there are none. */
  readonly credentials?: (() => Promise<MountCredentials | undefined>) | undefined;
}

/** The place below another one's prefix. */
export const bucketBelow = (spec: BucketSpec, ...names: readonly string[]): BucketSpec => ({
  ...spec,
  prefix: [spec.prefix ?? "", ...names].filter((name) => name !== "").join("/"),
});

/** A bucket's place as the mount table compares it. */
export const bucketRoot = ({ endpoint, bucket, prefix = "" }: BucketSpec): string =>
  ["s3", encodeURIComponent(endpoint ?? ""), bucket, ...(prefix === "" ? [] : [prefix])].join("/");
