// Concept page, row C11: a tenant on a PostgreSQL database of its own beside one in a regional bucket, in one tree.
//
// Changes against the published text: connection data is the configuration's and not the caller's; the database is made
// by the server; which storage a tenant has follows from its placement, and nothing falls through to another one.
import { randomBytes } from "node:crypto";
import { deprovision } from "@bulkhead/backend-postgres";
import { RemoteFS } from "@bulkhead/client";
import { query, type TestBucket, testBucket, testS3 } from "@bulkhead/harness";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Api, api, makeTenant, mintKey } from "../support/api.ts";
import { startServer, type TestServer } from "../support/start-server.ts";
import { filesWith, objectsWith, tablesWith } from "../support/texts.ts";

const { servers, reason } = await testS3();

describe.skipIf(reason !== undefined)(
  `a database and a regional bucket in one tree ${reason ?? ""}`,
  () => {
    let server: TestServer;
    let bucket: TestBucket;
    let platform: Api;
    let root: RemoteFS;
    const ids = ["tenant-a", "eu-tenant", "neighbour"] as const;
    const tenants = new Map<(typeof ids)[number], Api>();
    let ownUrl: string;
    let ownName: string;

    beforeAll(async () => {
      const [found] = servers;
      if (found === undefined) throw new Error("There is no S3 server.");
      bucket = await testBucket(found);
      server = await startServer({
        config: `
region: us-east-1
residency: { metadata: allowed }
placements:
  shared: { backend: versioned }
  own: { backend: postgres, options: { schema: files }, plans: [enterprise] }
  europe:
    backend: versioned
    region: { attested: eu-west-1 }
    options: { s3: ${JSON.stringify(bucket.options)} }
defaultPlacement: shared
`,
      });
      platform = api(server.url, server.platformKey);
      root = new RemoteFS({ url: server.url, apiKey: server.platformKey });
      await root.tenants.create({ id: "tenant-a", plan: "enterprise" });
      await root.tenants.create({ id: "eu-tenant", allowedRegions: ["eu-west-1"] });
      tenants.set("neighbour", api(server.url, await makeTenant(platform, "neighbour")));
      for (const id of ["tenant-a", "eu-tenant"] as const) {
        const key = await mintKey(platform, { name: id, workspacePrefix: `/workspace/${id}` });
        tenants.set(id, api(server.url, key));
      }
      ownName = (await root.tenants.get("tenant-a")).databaseName ?? "";
      const url = new URL(server.databaseUrl);
      url.pathname = `/${ownName}`;
      ownUrl = url.href;
    });
    afterAll(async () => {
      const adminUrl = server?.databaseUrl;
      if (adminUrl !== undefined) await deprovision({ adminUrl, name: ownName });
      await server?.[Symbol.asyncDispose]();
    });

    /** Every storage that there is, and what of a text lies in it. */
    const places = async (text: string): Promise<Readonly<Record<string, number>>> => ({
      ledger: (await tablesWith(server.databaseUrl, text)).length,
      own: (await tablesWith(ownUrl, text, "files")).length,
      bucket: (await objectsWith(bucket, text)).length,
      disk: (await filesWith(server.dataDir, text)).length,
    });
    const send = (id: (typeof ids)[number], name: string, body: string) => {
      const tenant = tenants.get(id);
      if (tenant === undefined) throw new Error("There is no such tenant.");
      return tenant.send("PUT", `/v1/files/${name}`, { body });
    };
    const sizes = [20, 16 * 1024, 400_000];
    const bodyOf = (text: string, size: number): string =>
      text.repeat(Math.ceil(size / text.length)).slice(0, size);

    it("puts each tenant's bytes where they belong, and not one of them anywhere else", async () => {
      const markers = new Map(ids.map((id) => [id, `m-${randomBytes(8).toString("hex")}`]));
      for (const [id, marker] of markers)
        for (const size of sizes) {
          const put = await send(id, `in/${size}.txt`, bodyOf(marker, size));
          expect([id, size, put.status]).toEqual([id, size, 201]);
          expect(await root.readFile(`/workspace/${id}/in/${size}.txt`, "utf8")).toBe(
            bodyOf(marker, size),
          );
        }
      expect((await root.readdir("/workspace")).toSorted()).toEqual(ids.toSorted());
      const found = async (id: (typeof ids)[number]) => places(markers.get(id) ?? "");
      const none = { ledger: 0, own: 0, bucket: 0, disk: 0 };
      const own = await found("tenant-a");
      expect(own).toEqual({ ...none, own: own["own"] });
      expect(own["own"]).toBeGreaterThan(0);
      expect(await found("eu-tenant")).toEqual({ ...none, bucket: sizes.length });
      // The search does find what is there: short content in rows of the ledger, long on the disk.
      expect(await found("neighbour")).toMatchObject({ own: 0, bucket: 0, disk: 1 });
      expect((await found("neighbour"))["ledger"]).toBeGreaterThan(0);
    }, 60_000);

    it("tells where each file is, its earlier contents and what was removed among it", async () => {
      const eu = tenants.get("eu-tenant");
      expect((await send("eu-tenant", "in/20.txt", "another, of the same name")).status).toBe(200);
      expect((await eu?.send("DELETE", `/v1/files/in/${sizes[1]}.txt`))?.status).toBe(204);
      const looked = async () => {
        const found = [];
        for await (const item of root.residency.verify("eu-tenant", { pageSize: 2 }))
          found.push([item.kind, item.path.split("/").at(-1), item.size, item.content.state]);
        return found;
      };
      const items = [
        ["file", "20.txt", 25, "unverified"],
        ["versions", "20.txt", 20, "unverified"],
        ["file", "400000.txt", 400_000, "unverified"],
        ["removed", "16384.txt", 16_384, "unverified"],
      ];
      expect(await looked()).toEqual(items);
      // Content in a row of the ledger, which is elsewhere, is found in the past, too.
      const inRows = (where: string) =>
        query(
          server.databaseUrl,
          `update bulkhead.node_version v set blob = null from bulkhead.tenant t
         where t.uid = v.tenant and t.id = 'eu-tenant' and v.kind = 'write' and ${where}`,
        );
      await inRows("v.size = 20");
      await inRows("v.size = 16384");
      expect((await looked()).map((item) => item[3])).toEqual([
        "unverified",
        "violated",
        "unverified",
        "violated",
      ]);
    }, 60_000);

    it("answers 503 where a storage does not let it in, and writes nothing elsewhere", async () => {
      const late = `late-${randomBytes(8).toString("hex")}`;
      const role = `"${ownName}"`;
      await query(server.databaseUrl, `alter role ${role} nologin`);
      await query(
        server.databaseUrl,
        "select pg_terminate_backend(pid) from pg_stat_activity where datname = $1",
        [ownName],
      );
      for (const size of sizes) {
        const put = await send("tenant-a", `late-${size}.txt`, bodyOf(late, size));
        expect([size, put.status, put.json]).toMatchObject([size, 503, { code: "unavailable" }]);
      }
      for (const id of ["eu-tenant", "neighbour"] as const)
        expect((await send(id, "meanwhile.txt", "well")).status).toBe(201);
      await query(server.databaseUrl, `alter role ${role} login`);
      expect(await places(late)).toEqual({ ledger: 0, own: 0, bucket: 0, disk: 0 });
    }, 60_000);
  },
);
