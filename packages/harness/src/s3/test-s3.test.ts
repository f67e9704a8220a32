import { describe, expect, test } from "vitest";
import { testBucket, testS3 } from "../index.ts";

const { servers, reason } = await testS3();

describe.skipIf(reason !== undefined)(
  `S3 servers of the run${reason ? ` (${reason})` : ""}`,
  () => {
    test.for(servers)("$name gives every test a bucket of its own", async (server) => {
      const [one, other] = await Promise.all([testBucket(server), testBucket(server)]);
      await one.raw.putObject(one.bucket, "a/b", "content");
      expect(await one.keys()).toEqual(["a/b"]);
      expect(await other.keys()).toEqual([]);
      expect(await other.unfinished()).toEqual([]);
    });
  },
);
