import { Readable } from "node:stream";
import { S3 } from "@aws-sdk/client-s3";

export interface SdkAlone {
  readonly put: (key: string, content: Uint8Array) => Promise<unknown>;
  readonly putStream: (key: string, chunks: Iterable<Uint8Array>, size: number) => Promise<unknown>;
  readonly get: (key: string) => Promise<number>;
  readonly list: (prefix: string, after: string) => Promise<number>;
  readonly close: () => void;
}

/** The AWS SDK as its manual shows it, all defaults. */
export const sdkAlone = (access: {
  readonly endpoint: string;
  readonly region: string;
  readonly bucket: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
}): SdkAlone => {
  const { endpoint, region, bucket: Bucket, ...credentials } = access;
  const client = new S3({ endpoint, region, credentials, forcePathStyle: true });
  return {
    put: (Key, Body) => client.putObject({ Bucket, Key, Body }),
    putStream: (Key, chunks, ContentLength) =>
      client.putObject({ Bucket, Key, Body: Readable.from(chunks), ContentLength }),
    get: async (Key) => {
      const { Body } = await client.getObject({ Bucket, Key });
      let size = 0;
      if (Body instanceof Readable) for await (const chunk of Body) size += chunk.length;
      return size;
    },
    list: async (Prefix, StartAfter) =>
      (await client.listObjectsV2({ Bucket, Prefix, Delimiter: "/", StartAfter })).Contents
        ?.length ?? 0,
    close: () => client.destroy(),
  };
};
