import { randomBytes } from "node:crypto";
import { Client } from "minio";
import type { S3Access } from "./start-s3.ts";

/** An empty bucket of a test's own, and a client that is not the one under test. */
export interface TestBucket extends S3Access {
  readonly bucket: string;
  /** How it is reached. */
  readonly options: S3Access & { readonly bucket: string };
  /** Looks at and changes the bucket behind everybody's back. */
  readonly raw: Client;
  /** All keys, in the order of their UTF-16 units. */
  readonly keys: (prefix?: string) => Promise<string[]>;
  /** The uploads of parts that were neither completed nor aborted, as keys. */
  readonly unfinished: (prefix?: string) => Promise<string[]>;
}

const gathered = async <T>(stream: AsyncIterable<T>): Promise<T[]> => {
  const found: T[] = [];
  for await (const one of stream) found.push(one);
  return found;
};

/** Makes a bucket with a name of its own. It goes with the run's server; on an endpoint that stays, it stays too. */
export async function testBucket(access: S3Access): Promise<TestBucket> {
  const { endpoint, region, accessKeyId, secretAccessKey } = access;
  const { hostname, port, protocol } = new URL(endpoint);
  const raw = new Client({
    endPoint: hostname,
    ...(port !== "" && { port: Number(port) }),
    useSSL: protocol === "https:",
    accessKey: accessKeyId,
    secretKey: secretAccessKey,
    region,
    pathStyle: true,
  });
  const bucket = `bulkhead-test-${randomBytes(8).toString("hex")}`;
  await raw.makeBucket(bucket, region);
  return {
    endpoint,
    region,
    accessKeyId,
    secretAccessKey,
    bucket,
    options: { endpoint, region, accessKeyId, secretAccessKey, bucket },
    raw,
    keys: async (prefix = "") =>
      (await gathered<{ readonly name?: string }>(raw.listObjectsV2(bucket, prefix, true)))
        .map(({ name }) => name ?? "")
        .toSorted(),
    unfinished: async (prefix = "") =>
      (
        await gathered<{ readonly key: string }>(raw.listIncompleteUploads(bucket, prefix, true))
      ).map(({ key }) => key),
  };
}
