import { randomUUID } from "node:crypto";
import { type S3Access, type TestBucket, testBucket } from "@bulkhead/harness";
import type { S3Options } from "../options.ts";
import { s3, type S3Backend } from "../s3.ts";

/** A bucket whose backends have a prefix each. What its endpoint supports is asked once. */
export interface Buckets {
  readonly bucket: () => Promise<TestBucket>;
  readonly open: (options?: Partial<S3Options>) => Promise<S3Backend>;
}

export const bucketsOn = (access: S3Access): Buckets => {
  let made: Promise<TestBucket> | undefined;
  let first: Promise<S3Backend> | undefined;
  const bucket = (): Promise<TestBucket> => (made ??= testBucket(access));
  return {
    bucket,
    open: async (options) => {
      const { options: common } = await bucket();
      first ??= s3({ ...common, prefix: "first" });
      const { support } = await first;
      return s3({ ...common, prefix: `t/${randomUUID()}`, support, ...options });
    },
  };
};
