// Mounts on buckets that are made while the server runs: row C11's regional bucket, credentials that are seen nowhere and
// replaced while files are being sent, buckets that are not where they have to be.
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { BulkheadError, RemoteFS } from "@bulkhead/client";
import { query, spareKeys, type TestBucket, testBucket, testS3 } from "@bulkhead/harness";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { api, makeTenant } from "../support/api.ts";
import { startServer, type TestServer } from "../support/start-server.ts";
import { type S3Proxy, s3Proxy } from "./s3-proxy.ts";

const { servers, reason } = await testS3();

describe.skipIf(reason !== undefined)(
  `mounts on buckets ${reason ?? ""}`,
  { timeout: 60_000 },
  () => {
    let server: TestServer;
    let proxy: S3Proxy;
    let bucket: TestBucket;
    let client: RemoteFS;
    let acme: RemoteFS;
    let keys: { readonly accessKeyId: string; readonly secretAccessKey: string };

    beforeAll(async () => {
      const [found] = servers;
      if (found === undefined) throw new Error("There is no S3 server.");
      bucket = await testBucket(found);
      proxy = await s3Proxy(found.endpoint);
      keys = { accessKeyId: found.accessKeyId, secretAccessKey: found.secretAccessKey };
      const s3 = JSON.stringify({ endpoint: proxy.endpoint, bucket: bucket.bucket });
      const config = `
region: eu
backends:
  store: { backend: s3, options: { s3: ${s3} }, region: { attested: eu } }
  sure: { backend: s3, options: { s3: ${s3} }, region: eu }
`;
      server = await startServer({ config });
      client = new RemoteFS({ url: server.url, apiKey: server.platformKey });
      const key = await makeTenant(api(server.url, server.platformKey), "acme");
      acme = new RemoteFS({ url: server.url, apiKey: key });
    });
    afterAll(async () => {
      await server?.[Symbol.asyncDispose]();
      await proxy?.[Symbol.asyncDispose]();
    });

    const refused = async (work: Promise<unknown>): Promise<BulkheadError> => {
      const error: unknown = await work.then(
        () => undefined,
        (why: unknown) => why,
      );
      if (!(error instanceof BulkheadError))
        throw new Error("It was not refused.", { cause: error });
      return error;
    };

    /** Everything that somebody could read: the ledger's rows, what the server wrote, its files. */
    const readable = async (): Promise<string> => {
      const tables = await query(
        server.databaseUrl,
        "select relname as name from pg_class where relnamespace = 'bulkhead'::regnamespace and relkind in ('r', 'p')",
      );
      const texts: string[] = [...server.lines];
      for (const { name } of tables)
        for (const row of await query(
          server.databaseUrl,
          `select t::text as row from bulkhead."${String(name)}" t`,
        ))
          texts.push(String(row["row"]));
      for (const entry of await readdir(server.dataDir, { recursive: true, withFileTypes: true }))
        if (entry.isFile())
          texts.push((await readFile(join(entry.parentPath, entry.name))).toString());
      return texts.join("\n");
    };

    test("a bucket is mounted with credentials that only it sees, replaced while a file is being sent", async () => {
      const path = "/workspace/acme/store";
      const add = [{ path, backend: "store", folder: "given" }];
      const without = await client.mounts.plan({ add });
      expect(without.plan.refusals).toMatchObject([
        { code: "unavailable", detail: expect.stringMatching(/no credentials/) },
      ]);
      const wrong = { ...keys, secretAccessKey: "not-the-secret" };
      const bad = await client.mounts.plan({ add, credentials: { [path]: wrong } });
      expect(bad.plan.refusals).toMatchObject([{ path, code: "unavailable" }]);
      const planned = await client.mounts.plan({ add, credentials: { [path]: keys } });
      expect(planned.plan).toMatchObject({ refusals: [], credentials: [path] });
      const [made] = await client.mounts.apply(planned, { credentials: { [path]: keys } });
      expect(made).toMatchObject({ credentials: true, region: "eu", attested: true });
      if (made === undefined) throw new Error("No mount.");
      const content = "x".repeat(4 * 1024 * 1024);
      await acme.writeFile("/store/big.txt", content);
      await acme.writeFile("/store/small.txt", "s");
      // Where it was meant to go, and nowhere else.
      expect(await bucket.keys("given/")).toEqual(
        expect.arrayContaining(["given/big.txt", "given/small.txt"]),
      );
      const inLedger = await query(server.databaseUrl, "select from bulkhead.node_version");
      expect(inLedger).toEqual([]);

      const opened = await acme.open("/store/big.txt");
      const reader = opened.stream.getReader();
      let length = (await reader.read()).value?.length ?? 0;
      const denied = await refused(client.mounts.rotate(made.id, wrong));
      expect([denied.code, denied.message]).toEqual([
        "unavailable",
        expect.not.stringMatching(/secret/),
      ]);
      expect(await acme.readFile("/store/small.txt", "utf8")).toBe("s");
      expect(new Set(proxy.signers.splice(0))).not.toContain(spareKeys.accessKeyId);

      const rotated = await client.mounts.rotate(made.id, { ...spareKeys });
      expect(rotated.id).toBe(made.id);
      proxy.signers.length = 0;
      await acme.writeFile("/store/after.txt", "after");
      expect(await acme.readFile("/store/small.txt", "utf8")).toBe("s");
      expect(new Set(proxy.signers)).toEqual(new Set([spareKeys.accessKeyId]));
      for (let next = await reader.read(); !next.done; next = await reader.read())
        length += next.value.length;
      expect(length).toBe(content.length);

      const told = JSON.stringify([planned, made, rotated, await client.mounts.get(made.id)]);
      const seen = `${await readable()}${told}`;
      for (const secret of [keys.secretAccessKey, spareKeys.secretAccessKey, "not-the-secret"])
        expect(seen).not.toContain(secret);
      expect(seen).not.toContain(spareKeys.accessKeyId);
      await client.mounts.delete(made.id);
      expect(await query(server.databaseUrl, "select from bulkhead.secret")).toEqual([]);
      expect(await bucket.keys("given/")).toContain("given/big.txt");
    });

    test("a bucket that is elsewhere, or says nothing and nobody attests it, is refused, and answers 503 once it moves", async () => {
      const path = "/workspace/acme/sure";
      const ask = () =>
        client.mounts.plan({
          add: [{ path, backend: "sure", folder: "sure" }],
          credentials: { [path]: keys },
        });
      expect((await ask()).plan.refusals).toMatchObject([
        { code: "unavailable", detail: expect.stringMatching(/attest it/) },
      ]);
      proxy.region = "us";
      const elsewhere = await ask();
      expect(elsewhere.plan.refusals).toMatchObject([
        { code: "unavailable", detail: expect.stringMatching(/not in the mount's region/) },
      ]);
      const given = { credentials: { [path]: keys } };
      expect((await refused(client.mounts.apply(elsewhere, given))).status).toBe(409);
      proxy.region = "eu";
      const planned = await ask();
      expect(planned.plan.residency).toMatchObject([{ content: "eu", attested: false }]);
      const [made] = await client.mounts.apply(planned, given);
      proxy.region = "us";
      // Opened first now, when it is somewhere else: nothing is asked of it, and nothing lands above it.
      for (const size of [1, 16 * 1024])
        expect((await refused(acme.writeFile("/sure/x", "x".repeat(size)))).status).toBe(503);
      expect(await client.mounts.get(made?.id ?? "")).toMatchObject({
        state: "unavailable",
        verified: false,
      });
      // Not even the mount's own mark was left there.
      expect(await bucket.keys("sure/")).toEqual([]);
      proxy.region = "eu";
      await new Promise((resolve) => setTimeout(resolve, 1100));
      await acme.writeFile("/sure/x", "here");
      expect(await client.mounts.get(made?.id ?? "")).toMatchObject({
        state: "serving",
        verified: true,
      });
    });
  },
);
