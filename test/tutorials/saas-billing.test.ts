// Nexus SaaS tutorials, rows N7 (overage charges) and N12 (the log): what a tenant owes, and that nobody can rewrite what
// it did.
//
// Changes against the published text: usage is counted by the server and not kept in a file of the tenant's own; money is
// in minor units; the log lies outside every tenant's tree and is a chain. The tutorial's own prices are in bill.test.ts.
import { PassThrough, Readable } from "node:stream";
import { RemoteFS } from "@bulkhead/client";
import { openSql, type Sql } from "@bulkhead/harness";
import { run } from "bulkhead";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Api, api, member, mintKey } from "../support/api.ts";
import { type LedgerClock, ledgerClock } from "../support/ledger-clock.ts";
import { startServer, type TestServer } from "../support/start-server.ts";

// A byte more for a month costs one minor unit, so that small files show what large ones cost.
const config = `
plans:
  small:
    limits: { users: 1, bytes: 1000 }
    baseMinor: 9900
    overage: bill
    overagePrices: { userMinor: 1000, gbMinor: ${1024 ** 3} }
placements:
  versioned: { backend: versioned }
  aside: { backend: versioned, options: { root: ./aside } }
`;
const [april, may] = [Date.UTC(2030, 3), Date.UTC(2030, 4)];

let server: TestServer;
let sql: Sql;
let clock: LedgerClock;
let platform: RemoteFS;
let acme: RemoteFS;
let acmeKey: string;
let raw: Api;

beforeAll(async () => {
  server = await startServer({ config });
  sql = await openSql(server.databaseUrl);
  clock = ledgerClock(sql);
  await clock.set(april);
  platform = new RemoteFS({ url: server.url, apiKey: server.platformKey });
  raw = api(server.url, server.platformKey);
  for (const id of ["acme", "beta"])
    await raw.send("POST", "/v1/tenants", { body: { id, plan: "small" } });
  acmeKey = await mintKey(raw, {
    name: "admin",
    workspacePrefix: "/workspace/acme",
    scopes: ["read", "write", "admin"],
  });
  acme = new RemoteFS({ url: server.url, apiKey: acmeKey });
});
afterAll(async () => {
  await sql.close();
  await server[Symbol.asyncDispose]();
});

const cli = async (
  argv: readonly string[],
  key: string = server.platformKey,
): Promise<{ readonly code: number; readonly out: string }> => {
  const [stdout, stderr] = [new PassThrough(), new PassThrough()];
  const told: Buffer[] = [];
  stdout.on("data", (chunk: Buffer) => told.push(chunk));
  stderr.on("data", (chunk: Buffer) => told.push(chunk));
  const code = await run(argv, {
    stdin: Readable.from([]),
    stdout,
    stderr,
    isTTY: { stdin: false, stdout: false, stderr: false },
    env: { HOME: "/nonexistent", BULKHEAD_URL: server.url, BULKHEAD_KEY: key },
    cwd: "/",
  });
  await new Promise((resolve) => setImmediate(resolve));
  return { code, out: Buffer.concat(told).toString() };
};
const uidOf = async (id: string): Promise<string> =>
  String((await sql.run("select uid from bulkhead.tenant where id = $1", [id]))[0]?.["uid"]);

describe("what a tenant owes (N7)", () => {
  it("is its plan, more users, and more storage for as long as it was there", async () => {
    for (const id of ["u1", "u2", "u3"])
      await platform.users.create("acme", { id, email: `${id}@acme.example` });
    await platform.users.delete("acme", "u3");
    await acme.writeFile("/f", new Uint8Array(1500));
    await clock.set((april + may) / 2);
    await acme.writeFile("/f", new Uint8Array(2500));
    await acme.readFile("/f");
    await acme.mkdir("/moved");
    await acme.rename("/f", "/moved/f");

    const soFar = await platform.bills.get("acme", "2030-04");
    expect(soFar).toMatchObject({ baseMinor: 9900, reads: 1, writes: 4, users: 3, final: false });
    // A later month's files, prices and plans are that month's.
    await clock.set(may);
    await acme.writeFile("/g", new Uint8Array(100_000));
    await sql.run(
      "begin; set local role bulkhead_system; update bulkhead.plan set document = jsonb_set(document, '{baseMinor}', '1'); commit",
    );
    const bill = await platform.bills.get("acme", "2030-04");
    expect(bill).toEqual({
      tenant: "acme",
      month: "2030-04",
      reads: 1,
      writes: 4,
      searches: 0,
      storageGb: 0.000002,
      users: 3,
      baseMinor: 9900,
      overage: { users: 2000, storage: expect.any(Number) },
      totalMinor: 9900 + 2000 + bill.overage.storage,
      currency: "USD",
      final: true,
    });
    // 1,500 for one half and 2,500 for the other: 1,000 above the plan, less what the test took between its clock's jumps.
    expect(Math.abs(bill.overage.storage - 1000)).toBeLessThanOrEqual(1);
    expect((await platform.bills.get("acme", "2030-05")).baseMinor).toBe(1);
  });

  it("is the same to the cent computed again from the rows of the commits themselves", async () => {
    const events = await sql.run(
      `select (extract(epoch from at) * 1000)::bigint::text as at, coalesce(payload->'outcome'->>'bytes', '0') as bytes
       from bulkhead.change where tenant = $1`,
      [await uidOf("acme")],
    );
    const end = BigInt(may);
    const byteMs = events
      .map(({ at, bytes }) => ({ at: BigInt(String(at)), bytes: BigInt(String(bytes)) }))
      .filter(({ at }) => at < end)
      .reduce((sum, { at, bytes }) => sum + bytes * (end - at), 0n);
    const month = BigInt(may - april);
    const above = byteMs - 1000n * month;
    let cents = above / month;
    if ((above % month) * 2n >= month) cents += 1n;
    const { overage } = await platform.bills.get("acme", "2030-04");
    expect(overage.storage).toBe(Number(cents));
  });

  it("is told to the platform and to its own admin, as JSON and CSV, by client and command line", async () => {
    const bill = await acme.bills.get("acme", "2030-04");
    const csv = await acme.bills.csv("acme", "2030-04");
    const [head = "", line = "", rest] = csv.split("\r\n");
    expect(head).toBe(
      "tenant,month,reads,writes,searches,storageGb,users,baseMinor,overageUsersMinor,overageStorageMinor,totalMinor,currency,final",
    );
    expect(line).toBe(
      `acme,2030-04,1,4,0,0.000002,3,9900,2000,${bill.overage.storage},${bill.totalMinor},USD,true`,
    );
    expect(rest).toBe("");
    const asked = ["bill", "acme", "--month", "2030-04"];
    expect(JSON.parse((await cli([...asked, "--json"])).out)).toEqual(bill);
    expect((await cli([...asked, "--csv"], acmeKey)).out).toBe(csv);
    expect((await cli(asked)).out).toContain(`${(bill.totalMinor / 100).toFixed(2)} USD`);
    const hours = await cli([
      "usage",
      "acme",
      "--by",
      "day",
      "--from",
      "2030-04-16",
      "--to",
      "2030-04-17",
    ]);
    expect(hours.out).toMatch(/2030-04-16 00:00 +\d+ +1 +/);
    const answer = await raw.send(
      "GET",
      "/v1/tenants/acme/usage?by=month&from=2030-04-01T00:00:00Z&to=2030-05-01T00:00:00Z&format=csv",
    );
    expect(answer.headers.get("content-type")).toMatch(/^text\/csv/);
    expect(answer.text.split("\r\n")[1]).toMatch(/^acme,2030-04-01T00:00:00.000Z,\d+,1,/);
    for (const [target, status] of [
      ["/v1/tenants/beta/bill?month=2030-04", 404],
      ["/v1/tenants/acme/bill?month=2030-06", 400],
      ["/v1/tenants/acme/bill?month=2030-4", 400],
      ["/v1/tenants/acme/bill", 400],
    ] as const)
      expect((await api(server.url, acmeKey).send("GET", target)).status).toBe(status);
  });

  it("counts what is moved from one of its roots to another once", async () => {
    await platform.writeFile("/workspace/beta/g", new Uint8Array(100_000));
    await platform.mkdir("/tenants/beta");
    const before = await platform.bills.get("beta", "2030-05");
    await platform.rename("/workspace/beta/g", "/tenants/beta/g");
    await clock.set(may + 15 * 86_400_000);
    const after = await platform.bills.get("beta", "2030-05");
    expect(after.writes).toBe(before.writes + 1);
    // 100,000 for 15 of 31 days, and not twice as many.
    const average = Math.round((100_000 * 15) / 31);
    expect(Math.abs(after.overage.storage + 1000 - average)).toBeLessThan(50);
  });
});

describe("a tenant that moves to another placement", () => {
  it("owes what one owes that stayed: nothing is counted twice", { timeout: 60_000 }, async () => {
    const now = may + 20 * 86_400_000;
    await clock.set(now);
    const ids = ["stays", "moves"] as const;
    const both = async (work: (id: string) => Promise<unknown>): Promise<void> => {
      for (const id of ids) await work(id);
    };
    await both((id) => platform.tenants.create({ id, plan: "small" }));
    await both(async (id) => {
      const at = `/workspace/${id}`;
      // One in a row, one beside it, one that is replaced.
      await platform.writeFile(`${at}/small`, new Uint8Array(3000));
      await platform.writeFile(`${at}/large`, new Uint8Array(200_000));
      await platform.writeFile(`${at}/large`, new Uint8Array(100_000));
      await platform.readFile(`${at}/large`);
    });
    const bills = async (month: string) => {
      const [stayed, moved] = await Promise.all(ids.map((id) => platform.bills.get(id, month)));
      return { stayed: { ...stayed, tenant: "" }, moved: { ...moved, tenant: "" } };
    };
    const move = async (placement: string): Promise<void> => {
      const begun = await raw.send("POST", "/v1/tenants/moves/move", { body: { placement } });
      const ended = await platform.jobs.wait(member(begun, "job"));
      expect(ended.state, ended.error ?? "").toBe("done");
      // What is there without a commit of its own is counted from the next look on.
      await bills("2030-05");
    };
    await move("aside");
    await both(async (id) => {
      await platform.readFile(`/workspace/${id}/large`);
      await platform.writeFile(`/workspace/${id}/more`, new Uint8Array(50_000));
    });
    await clock.set(now + 5 * 86_400_000);
    // And back, so that its content has been at both places twice.
    await move("versioned");
    await both((id) => platform.readFile(`/workspace/${id}/more`));
    await clock.set(Date.UTC(2030, 5, 1, 1));
    for (const month of ["2030-05", "2030-06"]) {
      const { stayed, moved } = await bills(month);
      const rest = { overage: expect.anything(), totalMinor: expect.anything() };
      expect(moved).toEqual({ ...stayed, ...rest });
      // They were not written in the same millisecond.
      expect(
        Math.abs((moved.overage?.storage ?? NaN) - (stayed.overage?.storage ?? 0)),
      ).toBeLessThan(5);
    }
    const { moved } = await bills("2030-05");
    expect(moved).toMatchObject({ reads: 3, writes: 4, final: true });
    expect(moved.overage?.storage).toBeGreaterThan(40_000);
  });
});

describe("the log (N12)", () => {
  it("is a chain that its tenant verifies, and the platform for everybody", async () => {
    const own = await acme.audit.verify();
    expect(own).toMatchObject({ tenant: "acme", ok: true, fault: null });
    expect(own.entries).toBeGreaterThan(5);
    expect(await platform.audit.verify("acme")).toEqual(own);
    expect(await platform.audit.verify()).toMatchObject({ tenant: null, ok: true });
    await expect(acme.audit.verify("beta")).rejects.toMatchObject({ code: "tenant-mismatch" });
    const all = await cli(["audit", "verify", "--all"]);
    expect(all.code).toBe(0);
    expect(all.out).toMatch(/^platform: \d+ entries[^]*\nacme: [^]*\nbeta: /);
  });

  it("shows where it was rewritten", async () => {
    const uid = await uidOf("acme");
    await sql.run("update bulkhead.audit set actor = 'somebody else' where tenant = $1 and n = 4", [
      uid,
    ]);
    expect(await acme.audit.verify()).toMatchObject({
      ok: false,
      entries: 3,
      fault: { n: 4, fault: "changed" },
    });
    const told = await cli(["audit", "verify"], acmeKey);
    expect(told.code).toBe(1);
    expect(told.out).toBe("acme: FAULT at entry 4: it is changed\n");
    const entries = await cli(["audit", "ls", "--tenant", "acme", "--limit", "1", "--json"]);
    expect(JSON.parse(entries.out)).toMatchObject({ tenant: "acme" });
  });
});
