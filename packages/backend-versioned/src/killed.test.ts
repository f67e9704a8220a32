import { join } from "node:path";
import { readdir } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { local, type LocalBackend } from "@bulkhead/backend-local";
import { openSql, runSource, type Sql, tempDir, type TempDir, waitFor } from "@bulkhead/harness";
import { plainContext } from "@bulkhead/kit";
import { afterAll, beforeAll, expect, test } from "vitest";
import { collect } from "./collect.ts";
import { listBlobs } from "./list-blobs.ts";
import { placeOf } from "./place.ts";
import { collectedWhole, intact } from "./test/intact.ts";
import {
  at,
  bytesAt,
  pattern,
  put,
  request,
  testLedger,
  type TestTenant,
  testTenant,
} from "./test/opened.ts";

const script = fileURLToPath(new URL("test/dies.ts", import.meta.url));
const hour = 3_600_000;
const grace = 25 * hour;

const ledger = await testLedger();
let dir: TempDir;
let holding: Sql;
beforeAll(async () => {
  dir = await tempDir();
  holding = await openSql(ledger.url);
});
afterAll(async () => {
  await holding.close();
  await dir.remove();
  await ledger[Symbol.asyncDispose]();
});

interface Victim extends TestTenant {
  readonly step: string;
  readonly root: string;
  readonly content: LocalBackend;
}

const old = pattern(20_000, 1);
const victim = async (step: string): Promise<Victim> => {
  const tenant = await testTenant(ledger.ledger);
  const root = join(dir.path, tenant.uid);
  const content = await local({ root });
  await put(tenant.open(content), "f", old);
  return { ...tenant, step, root, content };
};

/** Lets a process of their own stand at the victims' steps, and ends it. */
const kill = async (victims: readonly Victim[]): Promise<void> => {
  const tasks = victims.map(({ tree, root, step }) => ({ tree, root, step }));
  const child = runSource(script, [ledger.url, JSON.stringify(tasks)]);
  const { signal } = await child.exited;
  expect([signal, child.stderr]).toEqual(["SIGKILL", []]);
};

const stagedOf = ({ root }: Victim): Promise<readonly string[]> =>
  readdir(join(root, ".bulkhead/staging"));

const shown = async ({ content }: Victim): Promise<number> =>
  (await listBlobs(request(), content)).length;

/** A collection as the server makes it, that much later. */
const collectLater = async ({ content, tree }: Victim, later: number): Promise<void> => {
  const ctx = plainContext({ now: Date.now() + later });
  await content.sweep(ctx, ctx.now - grace);
  await collect(
    ctx,
    { store: tree.content, content, ledger: ledger.ledger.trees },
    { graceMs: grace },
  );
};

test(
  "kill -9 at every step of a write: what was acknowledged is there, the new content whole or not at all",
  { timeout: 60_000 },
  async () => {
    const staging = ["streaming", "staged"];
    const steps = ["registered", ...staging, "durable", "in doubt", "committed", "small committed"];
    const victims = await Promise.all(steps.map(victim));
    const inDoubt = victims.find(({ step }) => step === "in doubt");
    await holding.run("begin");
    await holding.run("select from bulkhead.tenant_head where uid = $1 for update", [inDoubt?.uid]);
    await kill(victims);
    await holding.run("commit");
    // The server finds out only when it answers that nobody is there.
    await waitFor(
      async () =>
        (
          await ledger.sql(
            "select from pg_stat_activity where datname = current_database() and application_name = 'bulkhead-hot' and state = 'active'",
          )
        ).length === 0,
    );

    for (const one of victims) {
      const { step, content, tree } = one;
      await intact(ledger, one);
      const backend = one.open(content);
      const found = await bytesAt(backend, "f");
      if (step === "small committed") expect(new TextDecoder().decode(found)).toBe("new");
      else if (step === "committed") expect(Buffer.compare(found, pattern(150_000, 9))).toBe(0);
      else if (step === "in doubt") expect([20_000, 150_000]).toContain(found.length);
      else expect(Buffer.compare(found, old), step).toBe(0);
      expect(await stagedOf(one), step).toHaveLength(staging.includes(step) ? 1 : 0);

      // While it may be another process's, it is left alone; then it goes.
      const [before, rows] = [await shown(one), "select 1 from bulkhead.blob where tree = $1"];
      const registered = (await ledger.sql(rows, [tree.id])).length;
      await collectLater(one, 0);
      expect(await shown(one)).toBe(before);
      expect(await ledger.sql(rows, [tree.id])).toHaveLength(registered);
      expect(await stagedOf(one)).toHaveLength(staging.includes(step) ? 1 : 0);
      await collectLater(one, grace + hour);
      expect(await stagedOf(one)).toEqual([]);
      await collectedWhole(ledger, one, content);
      expect(Buffer.compare(await bytesAt(backend, "f"), found)).toBe(0);
      await put(backend, "f", "goes on");
      await intact(ledger, one);
    }
  },
);

test(
  "kill -9 at every step of a collection: nothing live goes, and the next one ends it",
  { timeout: 60_000 },
  async () => {
    const steps = ["weighed", "buried", "deleting", "deleted", "forgetting", "forgotten"];
    const victims = await Promise.all(steps.map(victim));
    for (const { content, open, tree } of victims) {
      const backend = open(content);
      await put(backend, "live", pattern(20_000, 2));
      // One that is past, one that was buried before, and bytes that nobody knows.
      await put(backend, "past", pattern(20_000, 3));
      await put(backend, "past", "small");
      await put(backend, "buried", pattern(20_000, 4));
      await backend.remove(request(), at("buried"));
      await ledger.ledger.trees.prune(tree, 1e12, 0);
      await ledger.sql(
        `with one as (delete from bulkhead.blob where id = (select id from bulkhead.blob where tree = $1 and refs = 0 limit 1)
         returning id, tenant, content)
       insert into bulkhead.blob_tombstone (id, tenant, content, dead_at) select id, tenant, content, bulkhead.now() from one`,
        [tree.id],
      );
      await content.write(plainContext(), placeOf("00000000-0000-4000-8000-000000000000"), {
        size: 1,
        replayable: true,
        open: async function* () {
          yield new Uint8Array(1);
        },
      });
    }
    await kill(victims);
    for (const one of victims) {
      await intact(ledger, one);
      await collectedWhole(ledger, one, one.content);
      expect(await shown(one)).toBe(2);
      const backend = one.open(one.content);
      expect(Buffer.compare(await bytesAt(backend, "f"), old), one.step).toBe(0);
      expect(Buffer.compare(await bytesAt(backend, "live"), pattern(20_000, 2)), one.step).toBe(0);
    }
  },
);
