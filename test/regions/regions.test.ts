// Row C12, its third deployment, and row F5: a server process, a ledger and a storage for each region, behind a balancer
// that routes by tenant; what goes to the wrong region is told where the right one is, and nothing of it is stored.
import { randomBytes } from "node:crypto";
import { request } from "node:http";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import {
  bulkhead,
  freePort,
  type OwnS3,
  ownS3,
  query,
  type RunningBulkhead,
  tempDir,
  type TempDir,
  type TestBucket,
  testBucket,
  type TestDatabase,
  testDatabase,
  testS3,
  waitFor,
} from "@bulkhead/harness";
import { RemoteFS } from "@bulkhead/client";
import { migrate } from "@bulkhead/ledger";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Api, api, member, mintKey } from "../support/api.ts";
import { filesWith, tablesWith } from "../support/texts.ts";
import { type Balancer, startBalancer } from "./balancer.ts";

const domain = "files.test";

interface Region {
  readonly name: string;
  readonly url: string;
  readonly process: RunningBulkhead;
  readonly database: TestDatabase;
  readonly platformKey: string;
  readonly platform: Api;
}

const { servers, reason } = await testS3();

let dir: TempDir;
/** The S3 server of the region us, where one bucket stands for a third region that has no server of its own. */
let overseas: OwnS3 | undefined;
const buckets: { eu?: TestBucket; us?: TestBucket; asia?: TestBucket } = {};
let eu: Region;
let us: Region;
let balancer: Balancer;
const keys = { acme: "", yank: "" };

/** Content lies in the region's bucket; without an S3 server in a folder. */
const storage = (name: "eu" | "us" | "asia"): string => {
  const found = buckets[name];
  if (found === undefined) return JSON.stringify({ root: `./${name}-content` });
  const { endpoint, bucket, accessKeyId, secretAccessKey } = found.options;
  return JSON.stringify({ s3: { endpoint, bucket, accessKeyId, secretAccessKey } });
};

const start = async (
  name: "eu" | "us",
  port: number,
  other: string,
  at: number,
): Promise<Region> => {
  const database = await testDatabase({ migrate });
  const config = join(dir.path, `${name}.yaml`);
  await writeFile(
    config,
    `
region: ${name}
regions: { ${other}: "http://127.0.0.1:${at}" }
domain: ${domain}
placements:
  home: { backend: versioned, options: ${storage(name)}, region: { attested: ${name} } }
  asia: { backend: versioned, options: ${storage("asia")}, region: { attested: asia } }
defaultPlacement: home
`,
  );
  const platformKey = `platform-${randomBytes(24).toString("hex")}`;
  const flags = ["--config", config, "--data-dir", join(dir.path, name)];
  const process = bulkhead(
    ["serve", "--port", String(port), "--database-url", database.url, ...flags],
    { env: { BULKHEAD_PLATFORM_KEY: platformKey } },
  );
  const url = await process.url(60_000);
  return { name, url, process, database, platformKey, platform: api(url, platformKey) };
};

beforeAll(async () => {
  dir = await tempDir();
  const [server] = servers;
  if (server !== undefined) {
    overseas = await ownS3("seaweedfs", join(dir.path, "overseas"));
    buckets.eu = await testBucket(server);
    buckets.us = await testBucket(overseas);
    buckets.asia = await testBucket(overseas);
  }
  const [euPort, usPort] = [await freePort(), await freePort()];
  [eu, us] = await Promise.all([
    start("eu", euPort, "us", usPort),
    start("us", usPort, "eu", euPort),
  ]);
  for (const [here, there, id] of [
    [eu, us, "acme"],
    [us, eu, "yank"],
  ] as const) {
    const body = { id, subdomain: `${id}-files`, allowedRegions: [here.name] };
    const made = await here.platform.send("POST", "/v1/tenants", { body });
    if (made.status !== 201) throw new Error(made.text);
    const entry = { tenant: id, region: here.name, subdomain: `${id}-files` };
    const told = await there.platform.send("POST", "/v1/directory", { body: entry });
    if (told.status !== 201) throw new Error(told.text);
    keys[id] = await mintKey(here.platform, { name: id, workspacePrefix: `/workspace/${id}` });
  }
  const routes = new Map([
    ["acme", eu.url],
    ["acme-files", eu.url],
    ["yank", us.url],
    ["yank-files", us.url],
  ]);
  balancer = await startBalancer(routes, eu.url, domain);
});
afterAll(async () => {
  await balancer?.[Symbol.asyncDispose]();
  for (const region of [eu, us]) {
    await region?.process.stop();
    await region?.database.close();
  }
  await overseas?.[Symbol.asyncDispose]();
  await dir?.remove();
});

interface Asked {
  readonly status: number;
  readonly json: unknown;
  readonly text: string;
}

/** A request that a browser would send to `host`, whatever address that has. */
const asked = (
  url: string,
  host: string,
  key: string | undefined,
  method: string,
  path: string,
  body = "",
  headers: Readonly<Record<string, string>> = {},
): Promise<Asked> =>
  new Promise((resolve, reject) => {
    const { hostname, port } = new URL(url);
    const authorization = key === undefined ? {} : { authorization: `Bearer ${key}` };
    const sent = request(
      { hostname, port, method, path, headers: { ...headers, ...authorization, host } },
      (answer) => {
        const chunks: Buffer[] = [];
        answer.on("data", (chunk: Buffer) => chunks.push(chunk));
        answer.on("error", reject);
        answer.on("end", () => {
          const text = Buffer.concat(chunks).toString();
          const isJson = answer.headers["content-type"]?.includes("json") === true;
          resolve({
            status: answer.statusCode ?? 0,
            json: isJson ? (JSON.parse(text) as unknown) : undefined,
            text,
          });
        });
      },
    );
    sent.on("error", reject);
    sent.end(body);
  });

test("the balancer takes each tenant to its region, and the regions know nothing of each other's files", async () => {
  for (const [id, home] of [
    ["acme", eu],
    ["yank", us],
  ] as const) {
    const host = `${id}-files.${domain}`;
    const text = `of ${id} `.repeat(5000);
    const put = await asked(balancer.url, host, keys[id], "PUT", "/v1/files/plan.txt", text);
    expect(put.status).toBe(201);
    expect(balancer.routed.at(-1)).toBe(home.url);
    expect((await asked(balancer.url, host, keys[id], "GET", "/v1/files/plan.txt")).text).toBe(
      text,
    );
  }
  for (const { database, name } of [eu, us]) {
    const nodes = await query(database.url, "select count(*) as n from bulkhead.node");
    expect([name, Number(nodes[0]?.["n"])]).toEqual([name, 1]);
    expect(await query(database.url, "select distinct region from bulkhead.tenant")).toEqual([
      { region: name },
    ]);
  }
});

test("in the wrong region the answer is 421 with the right address, and nothing is stored", async () => {
  const before = await query(us.database.url, "select count(*) as n from bulkhead.tenant");
  const target = "/v1/files/workspace/acme/x.txt";
  const wrong = [
    await asked(us.url, `acme-files.${domain}`, keys.acme, "PUT", target, "x"),
    await asked(us.url, "127.0.0.1", keys.acme, "PUT", target, "x", { "x-tenant-id": "acme" }),
    await asked(us.url, "127.0.0.1", us.platformKey, "PUT", target, "x"),
  ];
  for (const { status, json } of wrong)
    expect([status, json]).toMatchObject([
      421,
      { code: "wrong-region", location: `${eu.url}${target}` },
    ]);
  const mkdir = await us.platform.send("POST", "/v1/mkdir", { body: { path: "/workspace/acme" } });
  const make = await us.platform.send("POST", "/v1/tenants", { body: { id: "acme" } });
  const region = await us.platform.send("POST", "/v1/tenants", {
    body: { id: "new", region: "eu" },
  });
  const look = await us.platform.send("GET", "/v1/tenants/acme");
  expect([mkdir, make, region, look].map(({ status }) => status)).toEqual([421, 421, 421, 421]);
  expect(member(region, "location")).toBe(`${eu.url}/v1/tenants`);
  expect(await query(us.database.url, "select count(*) as n from bulkhead.tenant")).toEqual(before);
  const nodes = await query(us.database.url, "select from bulkhead.node where sort_key = 'x.txt'");
  expect(nodes).toEqual([]);
  // Who sends no key, or names nobody, learns of no region.
  expect((await asked(us.url, `acme-files.${domain}`, undefined, "GET", target)).status).toBe(401);
  expect((await asked(us.url, "127.0.0.1", keys.acme, "GET", target)).status).toBe(401);
  // The address is right: the same request there succeeds.
  expect((await asked(eu.url, `acme-files.${domain}`, keys.acme, "PUT", target, "x")).status).toBe(
    201,
  );
});

test("a subdomain has to be that of the key's tenant, whoever else's or nobody's it is", async () => {
  const other = await eu.platform.send("POST", "/v1/tenants", {
    body: { id: "beta", subdomain: "beta-files" },
  });
  expect(other.status).toBe(201);
  const stat = "/v1/whoami";
  const answers = [];
  for (const sub of ["beta-files", "beta", "acme", "nobody", "acme-files.deeper", "yank-files"]) {
    const { status, json, text } = await asked(eu.url, `${sub}.${domain}`, keys.acme, "GET", stat);
    expect([sub, status, json]).toMatchObject([sub, 403, { code: "tenant-mismatch" }]);
    answers.push(text.replace(/"requestId":"[^"]+"/, ""));
  }
  expect(new Set(answers).size).toBe(1);
  for (const host of [`ACME-files.${domain}:8080`, domain, "elsewhere.example"])
    expect((await asked(eu.url, host, keys.acme, "GET", stat)).status).toBe(200);
  // The name moves with the tenant's next change of it, for the very next request.
  const patch = { body: { subdomain: "acme-moved" } };
  expect((await eu.platform.send("PATCH", "/v1/tenants/acme", patch)).status).toBe(200);
  const [was, now] = [`acme-files.${domain}`, `acme-moved.${domain}`];
  expect((await asked(eu.url, was, keys.acme, "GET", stat)).status).toBe(403);
  expect((await asked(eu.url, now, keys.acme, "GET", stat)).status).toBe(200);
  // The platform's key is nobody's: it is told what there is.
  const platform = (sub: string) => asked(eu.url, `${sub}.${domain}`, eu.platformKey, "GET", stat);
  expect((await platform("beta-files")).status).toBe(200);
  expect((await platform("nobody")).status).toBe(404);
  expect((await platform("yank-files")).status).toBe(421);
  await eu.platform.send("POST", "/v1/tenants/beta/suspend", { body: {} });
  expect((await platform("beta-files")).status).toBe(403);
});

test("a tenant whose regions leave the ledger's out is refused, and no placement outside them is chosen", async () => {
  const away = { id: "away", allowedRegions: ["us"] };
  const refused = await eu.platform.send("POST", "/v1/tenants", { body: away });
  expect([refused.status, refused.json]).toMatchObject([403, { code: "residency" }]);
  const nowhere = { id: "nowhere", region: "mars" };
  expect((await eu.platform.send("POST", "/v1/tenants", { body: nowhere })).status).toBe(403);
  const bad = await eu.platform.send("POST", "/v1/tenants", {
    body: { id: "bad", subdomain: "A.b" },
  });
  expect(bad.status).toBe(400);
});

test.skipIf(reason !== undefined)(
  `a region's storage is killed: its tenants get 503, nothing of theirs lies elsewhere, nobody else notices ${reason ?? ""}`,
  async () => {
    const [marker, late] = [`marker-${randomBytes(8).toString("hex")}`, "late-marker-of-the-dead"];
    const made = await eu.platform.send("POST", "/v1/tenants", {
      body: { id: "far", region: "asia" },
    });
    expect([made.status, made.json]).toMatchObject([201, { region: "asia" }]);
    const far = api(
      eu.url,
      await mintKey(eu.platform, { name: "far", workspacePrefix: "/workspace/far" }),
    );
    const acme = api(eu.url, keys.acme);
    const sizes = [1, 16 * 1024, 200_000];
    const bodyOf = (text: string, size: number): string =>
      text.repeat(Math.ceil(size / text.length)).slice(0, size);
    for (const size of sizes) {
      const put = await far.send("PUT", `/v1/files/${size}.txt`, { body: bodyOf(marker, size) });
      expect([size, put.status]).toEqual([size, 201]);
    }
    const keysBefore = await buckets.eu?.keys();
    expect((await buckets.asia?.keys())?.length).toBeGreaterThanOrEqual(sizes.length);
    expect(await tablesWith(eu.database.url, marker)).toEqual([]);
    const inline = "select from bulkhead.node_version v join bulkhead.tenant t on t.uid = v.tenant";
    const inRows = `${inline} where t.id = 'far' and v.inline is not null`;
    expect(await query(eu.database.url, inRows)).toEqual([]);
    const remote = new RemoteFS({ url: eu.url, apiKey: eu.platformKey });
    const looked = async (pageSize = 100) => {
      const found = [];
      for await (const item of remote.residency.verify("far", { pageSize })) found.push(item);
      return found;
    };
    expect(
      (await looked(2)).map(({ path, content, metadata }) => [path, content, metadata]),
    ).toEqual(
      ["1.txt", "16384.txt", "200000.txt"].map((name) => [
        `/workspace/far/${name}`,
        { region: "asia", state: "unverified" },
        { region: "eu", state: "verified" },
      ]),
    );
    // A row that held content would be found out, file by file.
    await far.send("PUT", "/v1/files/row.txt", { body: "r" });
    await query(
      eu.database.url,
      `update bulkhead.node_version v set blob = null from bulkhead.node n
       where n.id = v.node and n.sort_key = 'row.txt'`,
    );
    const states = (await looked()).map(({ path, content }) => [
      path.split("/").at(-1),
      content.state,
    ]);
    expect(states).toEqual([
      ["1.txt", "unverified"],
      ["16384.txt", "unverified"],
      ["200000.txt", "unverified"],
      ["row.txt", "violated"],
    ]);

    await overseas?.kill();
    expect(await looked()).toMatchObject([{ kind: "mount", content: { state: "unreachable" } }]);
    for (const size of sizes) {
      const body = bodyOf(late, size);
      const put = await far.send("PUT", `/v1/files/new-${size}.txt`, { body });
      expect([size, put.status, put.json]).toMatchObject([size, 503, { code: "unavailable" }]);
      const got = await far.send("GET", `/v1/files/${size}.txt`);
      expect([size, got.status]).toEqual([size, 503]);
    }
    for (const size of [1, 200_000]) {
      const put = await acme.send("PUT", `/v1/files/near-${size}.txt`, {
        body: bodyOf("near", size),
      });
      expect([size, put.status]).toEqual([size, 201]);
      const got = await acme.send("GET", `/v1/files/near-${size}.txt`);
      expect([got.status, got.text.length]).toEqual([200, size]);
    }
    for (const text of [marker, late]) {
      expect(await tablesWith(eu.database.url, text)).toEqual([]);
      expect(await tablesWith(us.database.url, text)).toEqual([]);
      for (const name of ["eu", "us"])
        expect(await filesWith(join(dir.path, name), text)).toEqual([]);
    }
    const gained = (await buckets.eu?.keys())?.filter((key) => keysBefore?.includes(key) !== true);
    // The one that acme wrote and that is too long for a row.
    expect(gained).toHaveLength(1);
    expect(await query(eu.database.url, inRows)).toEqual([]);

    await overseas?.restart();
    const read = (size: number) => far.send("GET", `/v1/files/${size}.txt`);
    await waitFor(async () => (await read(1)).status === 200, {
      timeout: 20_000,
      interval: 200,
    });
    for (const size of sizes) {
      expect((await read(size)).text).toBe(bodyOf(marker, size));
      const put = await far.send("PUT", `/v1/files/new-${size}.txt`, { body: bodyOf(late, size) });
      expect(put.status).toBe(201);
    }
    expect(await tablesWith(eu.database.url, late)).toEqual([]);
  },
  120_000,
);
