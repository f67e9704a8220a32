import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { deprovision } from "@bulkhead/backend-postgres";
import { RemoteFS } from "@bulkhead/client";
import {
  openSql,
  query,
  type Sql,
  tempDir,
  type TempDir,
  testBucket,
  testS3,
  waitFor,
} from "@bulkhead/harness";
import { afterAll, beforeAll, expect, it } from "vitest";
import { api, type Api, member } from "../support/api.ts";
import { type ServerProcess, type Servers, servers } from "./two-servers.ts";

/** Of the long run many more. */
const rounds = Number(process.env["BULKHEAD_QUOTA_ROUNDS"] ?? 1);
const writers = 64;
const { servers: stores, reason: noStore } = await testS3();

// One tenant's root is its own database, and what is mounted in it counts against the same limits; the other's is a
// versioned tree.
const files = (tenant: Tenant, name: string): string => `/v1/files/workspace/${tenant}/${name}`;
type Tenant = "acme" | "beta";
type Kind = readonly [name: string, tenant: Tenant, base: string, size: number];
const kinds: readonly Kind[] = [
  ["in a database of its own", "acme", files("acme", "own"), 6000],
  ["in a row of the ledger", "beta", files("beta", "small"), 6000],
  ["beside the ledger, with history", "beta", files("beta", "large"), 40_000],
  ["in a folder as they are", "acme", files("acme", "plain"), 6000],
  ...(noStore === undefined
    ? ([["in a bucket as they are", "acme", files("acme", "bucket"), 6000]] as const)
    : []),
];
const tenants = ["acme", "beta"] as const;
const folder = files("acme", "plain");

let two: Servers;
let both: ServerProcess[] = [];
let sql: Sql;
let dir: TempDir;
const ends = new AsyncDisposableStack();

const platform = (): Api => api(both[0]?.url ?? "", two.platformKey);
const apis = (): readonly Api[] => both.map(({ url }) => api(url, two.platformKey));

const mounts = async (): Promise<readonly object[]> => {
  await mkdir(join(dir.path, "plain"));
  const at = (path: string, backend: string, options: object): object => ({
    path: `/workspace/acme/${path}`,
    backend,
    durability: "relaxed",
    options,
  });
  const [store] = stores;
  const bucket = store && (await testBucket(store));
  return [
    at("plain", "local", { root: join(dir.path, "plain") }),
    ...(bucket === undefined ? [] : [at("bucket", "s3", { s3: bucket.options })]),
  ];
};

beforeAll(async () => {
  dir = ends.use(await tempDir());
  two = await servers("versioned", {
    config: `
placements:
  versioned: { backend: versioned }
  own: { backend: postgres, plans: [enterprise] }
mounts: ${JSON.stringify(await mounts())}`,
  });
  both = await Promise.all([two.start(), two.start()]);
  sql = await openSql(two.databaseUrl);
  ends.defer(() => sql.close());
  const client = new RemoteFS({ url: both[0]?.url ?? "", apiKey: two.platformKey });
  await client.tenants.create({ id: "acme", plan: "enterprise" });
  await client.tenants.create({ id: "beta" });
}, 120_000);
afterAll(async () => {
  const { databaseUrl: adminUrl } = two;
  await ends.disposeAsync();
  for (const { process } of both) await process.kill();
  const made = await query(adminUrl, "select database_name as name from bulkhead.tenant");
  for (const { name } of made) if (typeof name === "string") await deprovision({ adminUrl, name });
  await two[Symbol.asyncDispose]();
});

interface Head {
  readonly used: number;
  readonly reserved: number;
  readonly files: number;
  readonly reservedFiles: number;
}

const head = async (tenant: Tenant): Promise<Head> => {
  const [row] = await sql.run(
    `select h.used, h.reserved, h.files, h.reserved_files from bulkhead.tenant_head h
     join bulkhead.tenant t on t.uid = h.uid where t.id = '${tenant}'`,
  );
  return {
    used: Number(row?.["used"]),
    reserved: Number(row?.["reserved"]),
    files: Number(row?.["files"]),
    reservedFiles: Number(row?.["reserved_files"]),
  };
};

const limit = async (tenant: Tenant, limits: object): Promise<void> => {
  const set = await platform().send("PUT", `/v1/tenants/${tenant}/quota`, { body: limits });
  expect(set.status).toBe(200);
};

/** A plain folder is served by one process at a time: the other one says so, and is asked no more. */
const put = async (target: string, body: Uint8Array, first: number, most = 40): Promise<number> => {
  const order = first % 2 === 0 ? apis() : apis().toReversed();
  for (let tries = 0; tries < most; tries++)
    for (const one of order) {
      const { status } = await one.send("PUT", target, { body });
      if (status !== 503) return status;
    }
  return 503;
};

const audit = async (tenant: Tenant): Promise<void> => {
  const begun = await platform().send("POST", `/v1/tenants/${tenant}/quota/audit`, { body: {} });
  const job = member(begun, "job");
  for (;;) {
    const { json } = await platform().send("GET", `/v1/jobs/${job}`);
    if (typeof json === "object" && json !== null && Reflect.get(json, "state") === "done") {
      const none = { bytes: 0, files: 0, versionBytes: 0 };
      expect(Reflect.get(json, "result")).toMatchObject({ drift: none });
      return;
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
};

it.each(kinds)(
  "64 writers of two processes, with room for one: files %s",
  { timeout: 120_000 },
  async (_, tenant, base, size) => {
    const body = new Uint8Array(size).fill(7);
    for (let round = 0; round < rounds; round++) {
      const before = await head(tenant);
      const most = before.used + size + 1000;
      await limit(tenant, { bytes: most, files: null });
      const answers = await Promise.all(
        Array.from({ length: writers }, (_one, w) => put(`${base}/${round}-${w}`, body, w)),
      );
      expect(answers.filter((status) => status === 201)).toHaveLength(1);
      expect(answers.filter((status) => status === 507)).toHaveLength(writers - 1);
      const after = await head(tenant);
      expect(after).toEqual({ ...before, used: before.used + size, files: before.files + 1 });
      // Files, not bytes, are what there is room for.
      await limit(tenant, { bytes: null, files: after.files + 1 });
      const more = await Promise.all(
        Array.from({ length: 16 }, (_one, w) => put(`${base}/files-${round}-${w}`, body, w)),
      );
      expect(more.filter((status) => status === 201)).toHaveLength(1);
      expect(await head(tenant)).toEqual({
        ...after,
        used: after.used + size,
        files: after.files + 1,
      });
    }
    await limit(tenant, { bytes: null, files: null });
  },
);

it(
  "counts what it counts after one was killed in the middle, and never above the limit",
  { timeout: 120_000 },
  async () => {
    const before = { acme: await head("acme"), beta: await head("beta") };
    const most = (tenant: Tenant): number => before[tenant].used + 300_000;
    for (const tenant of tenants) await limit(tenant, { bytes: most(tenant) });
    let going = true;
    const one = async (w: number): Promise<void> => {
      const base = kinds[w % kinds.length]?.[2] ?? folder;
      const body = new Uint8Array(2000 + w * 500).fill(w);
      for (let i = 0; going; i++)
        // Whoever was killed answers nothing any more.
        await put(`${base}/killed-${w}-${i % 9}`, body, w, 1).catch(() => undefined);
    };
    const all = Array.from({ length: 12 }, (_one, w) => one(w));
    const highest = { acme: 0, beta: 0 };
    const watch = async (): Promise<void> => {
      while (going)
        for (const tenant of tenants)
          highest[tenant] = Math.max(highest[tenant], (await head(tenant)).used);
    };
    const watching = watch();
    await new Promise((resolve) => setTimeout(resolve, 400));
    // Whoever holds the folder: what it was about to do there is the next one's to find out.
    const [killed = both[0], left = both[1]] = both.toSorted(() => Math.random() - 0.5);
    await killed?.process.kill();
    going = false;
    await Promise.all([...all, watching]);
    const next = await two.start();
    both = [left, next].flatMap((one) => one ?? []);
    for (const tenant of tenants) {
      expect(highest[tenant]).toBeLessThanOrEqual(most(tenant));
      expect(highest[tenant]).toBeGreaterThan(before[tenant].used);
    }
    for (const tenant of tenants) {
      // Nobody asks for anything: what it had begun, wherever that was, is settled by who is left.
      await waitFor(async () => (await head(tenant)).reserved === 0, { timeout: 60_000 });
      await audit(tenant);
      expect(await head(tenant)).toMatchObject({ reserved: 0, reservedFiles: 0 });
    }
  },
);
