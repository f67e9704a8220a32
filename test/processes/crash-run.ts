import { randomBytes } from "node:crypto";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { bulkhead, query, type RunningBulkhead, tempDir, waitFor } from "@bulkhead/harness";
import { expect } from "vitest";
import { unsyncedDisk } from "../shim/unsynced-disk.ts";
import { acknowledged, apply } from "./acknowledged.ts";
import { type Connection, connection } from "./connection.ts";
import { endPostgres } from "./end-postgres.ts";
import { crashWriter, digestOf, randomFrom } from "./crash-writer.ts";
import { staged } from "./staged.ts";

const writers = 6;
const appenders = 2;

export interface CrashRun {
  readonly seed: number;
  readonly kills: number;
  /** The ledger's database; without one the server runs its own. */
  readonly databaseUrl: string | undefined;
  /** What the tenant's files lie on. */
  readonly placement: "local" | "versioned";
  /** With each kill the power fails: what the server did not sync is gone. */
  readonly forgets?: boolean;
}

export interface CrashTally {
  acknowledged: number;
  inFlight: number;
  /** The fewest that were answered, and that were on their way, before one kill. */
  fewest: { acknowledged: number; inFlight: number };
  /**
   * How often a kill met an operation of that kind on its way, an intent in that state, and one on its way that turned
   * out to be committed, or not.
   */
  readonly hit: Record<string, number>;
}

const count = (hit: Record<string, number>, name: string): void => {
  hit[name] = (hit[name] ?? 0) + 1;
};

/** The address of the PostgreSQL that the server of this folder started. */
const embeddedUrl = async (dataDir: string): Promise<{ url: string; pid: number }> => {
  const lines = (await readFile(join(dataDir, "postgres/postmaster.pid"), "utf8")).split("\n");
  const host = encodeURIComponent(lines[4] ?? "");
  return {
    url: `postgresql://bulkhead@localhost:5432/bulkhead?host=${host}`,
    pid: Number(lines[0]),
  };
};

/**
 * Works against a server that is killed again and again. Rejects where what was acknowledged is not there, anything is
 * torn, or what is charged is not what is there.
 */
export const crashRun = async (options: CrashRun): Promise<CrashTally> => {
  const { seed, kills, databaseUrl, placement } = options;
  await using ends = new AsyncDisposableStack();
  const dir = ends.use(await tempDir());
  const disk = options.forgets === true ? await unsyncedDisk(dir.path) : undefined;
  const dataDir = join(disk?.root ?? dir.path, "data");
  ends.defer(() => endPostgres(dataDir));
  const platformKey = randomBytes(24).toString("hex");
  const random = randomFrom(seed);
  const record = await acknowledged(join(dir.path, "acknowledged.jsonl"));
  const all = Array.from({ length: writers }, (_, i) => crashWriter(i, seed + i, record));
  const lines = { acknowledged: new Set<string>(), open: new Set<string>(), n: 0 };
  const fewest = { acknowledged: Infinity, inFlight: Infinity };
  const tally: CrashTally = { acknowledged: 0, inFlight: 0, fewest, hit: {} };
  let mutations = 0;

  const config = join(dir.path, "bulkhead.yaml");
  await writeFile(config, `defaultPlacement: ${placement}\n`);

  const start = async (): Promise<{ process: RunningBulkhead; url: string }> => {
    const external = databaseUrl === undefined ? [] : ["--database-url", databaseUrl];
    const process = bulkhead(
      ["serve", "--port", "0", "--config", config, "--data-dir", dataDir, ...external],
      { env: { BULKHEAD_PLATFORM_KEY: platformKey, ...disk?.env } },
    );
    ends.use(process);
    return { process, url: await process.url(120_000) };
  };

  /** Appends lines to one file that all appenders share, each its own. */
  const appendLines = async (url: string, key: string): Promise<void> => {
    const over = connection(url, key);
    for (;;) {
      const line = `line ${(lines.n += 1)}`;
      lines.open.add(line);
      try {
        const reply = await over.send("POST", "/v1/append/log", { body: `${line}\n` });
        if (reply.status !== 200) throw new Error(`append: ${reply.status} ${reply.text}`);
      } catch (error) {
        if (error instanceof Error && "code" in error) return over.close();
        throw error;
      }
      lines.open.delete(line);
      lines.acknowledged.add(line);
    }
  };

  /** What stands in the tenant's tree, and every file's digest. */
  const standing = async (over: Connection): Promise<Map<string, string>> => {
    const listed = await over.must(200, "GET", "/v1/list/?recursive=true&limit=1000");
    const places = new Map<string, string>();
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the answer of /list
    const { entries } = JSON.parse(listed.text) as { entries: { path: string; kind: string }[] };
    for (const { path, kind } of entries)
      if (kind === "directory") places.set(path, "directory");
      else places.set(path, (await over.must(200, "GET", `/v1/files${path}`)).text);
    return places;
  };

  const verify = async (over: Connection, url: string): Promise<void> => {
    const found = await standing(over);
    const log = (found.get("/log") ?? "").split("\n").slice(0, -1);
    expect(new Set(log).size).toBe(log.length);
    expect([...lines.acknowledged].filter((line) => !log.includes(line))).toEqual([]);
    const late = log.filter((line) => !lines.acknowledged.has(line));
    expect(late.filter((line) => !lines.open.has(line))).toEqual([]);
    for (const line of late) lines.acknowledged.add(line);
    lines.open.clear();

    for (const [id, { places, open }] of await record.read()) {
      const own = new Map<string, string>();
      for (const [path, text] of found)
        if (path.startsWith(`/w${id}/`))
          own.set(path.slice(`/w${id}/`.length), text === "directory" ? text : digestOf(text));
      const before = sorted(places);
      const after = new Map(places);
      apply(after, open?.changes ?? {});
      const is = sorted(own);
      const happened = open !== undefined && same(is, sorted(after));
      if (!happened && !same(is, before))
        expect.unreachable(
          `seed ${seed}, writer ${id}: ${JSON.stringify({ is, before, open }, undefined, 1)}`,
        );
      all[id]?.resume(happened);
      if (open !== undefined) {
        await record.settled(id, open.n, happened);
        count(tally.hit, happened ? "committed, not answered" : "begun, not committed");
      }
      if (happened) mutations += 1;
    }

    if (placement === "local") expect(await staged(dataDir)).toEqual([]);
    expect(await query(url, "select id, operation, state from bulkhead.intent")).toEqual([]);
    const audits = await query(
      url,
      `select bulkhead.audit_verify_v1(t.uid) as fault, (select count(*)::int from bulkhead.audit a
         where a.tenant = t.uid and a.result = 'SUCCESS'
           and a.action in ('write', 'append', 'copy', 'move', 'remove', 'mkdir')) as mutations from bulkhead.tenant t`,
    );
    // What a tenant is charged with is what it has, byte for byte.
    const sizes = [...found.values()].filter((text) => text !== "directory");
    expect(
      await query(
        url,
        "select h.used::int, h.files::int from bulkhead.tenant_head h join bulkhead.tenant t on t.uid = h.uid",
      ),
    ).toEqual([
      { used: sizes.reduce((sum, text) => sum + Buffer.byteLength(text), 0), files: sizes.length },
    ]);
    const acked = all.reduce((sum, writer) => sum + writer.acknowledged(), 0);
    expect(audits).toEqual([
      { fault: null, mutations: acked + mutations + lines.acknowledged.size },
    ]);
  };

  let server = await start();
  const platform = connection(server.url, platformKey);
  await platform.must(201, "POST", "/v1/tenants", { body: { id: "acme" } });
  const body = { name: "k", workspacePrefix: "/workspace/acme" };
  const key = (await platform.must(201, "POST", "/v1/keys", { body })).member("key");
  platform.close();

  for (let kill = 0; kill < kills; kill++) {
    const working = all.map((writer) => writer.run(server.url, key));
    for (let i = 0; i < appenders; i++) working.push(appendLines(server.url, key));
    const before = lines.acknowledged.size + all.reduce((sum, one) => sum + one.acknowledged(), 0);
    const acknowledgedSince = (): number =>
      lines.acknowledged.size + all.reduce((sum, one) => sum + one.acknowledged(), 0) - before;
    const outcome = Promise.all(working);
    outcome.catch(() => undefined);
    await Promise.race([outcome, waitFor(() => acknowledgedSince() >= 12)]);
    await Promise.race([outcome, sleep(random() * 250)]);
    await server.process.kill("SIGKILL");
    await outcome;
    const flying = all.flatMap((writer) => writer.inFlight() ?? []);
    for (const kind of flying) count(tally.hit, kind);
    const now = { acknowledged: acknowledgedSince(), inFlight: flying.length + lines.open.size };
    for (const what of ["acknowledged", "inFlight"] as const) {
      tally[what] += now[what];
      fewest[what] = Math.min(fewest[what], now[what]);
    }
    const embedded = databaseUrl === undefined ? await embeddedUrl(dataDir) : undefined;
    const url = embedded?.url ?? databaseUrl ?? "";
    for (const { state } of await query(url, "select state from bulkhead.intent"))
      count(tally.hit, `intent ${String(state)}`);
    // Every other time its database dies with it.
    if (embedded !== undefined && kill % 2 === 1) process.kill(embedded.pid, "SIGKILL");
    await disk?.powerLoss();
    server = await start();
    const over = connection(server.url, key);
    const ledger = databaseUrl === undefined ? (await embeddedUrl(dataDir)).url : databaseUrl;
    await verify(over, ledger);
    over.close();
  }
  expect(await server.process.stop()).toEqual({ code: 0, signal: null });
  await record.close();
  return tally;
};

const sorted = (places: ReadonlyMap<string, string>): readonly (readonly [string, string])[] =>
  [...places].sort(([a], [b]) => (a < b ? -1 : 1));
const same = (a: unknown, b: unknown): boolean => JSON.stringify(a) === JSON.stringify(b);
