import { FileError } from "@bulkhead/contract";
import { waitFor } from "@bulkhead/harness";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Fixture, fixture, settlement, writing } from "./test/fixture.ts";
import type { JobHandler, LeaseHolder } from "./types-work.ts";

let at: Fixture;
beforeAll(async () => {
  at = await fixture();
});
afterAll(() => at[Symbol.asyncDispose]());

const here: LeaseHolder = { host: "h", boot: "b", pid: 1, startTime: "1" };

test("A lease has one holder at a time, and a number that grows", async () => {
  const { leases } = at.ledger;
  const many = await Promise.all(
    Array.from({ length: 10 }, (_, i) => leases.acquire("m", { ...here, pid: i }, 60_000)),
  );
  expect(many.filter((one) => one !== undefined)).toEqual([{ fencing: 1 }]);
  expect(await leases.acquire("m", here, 60_000)).toBeUndefined();
  expect(await leases.renew("m", 1, 60_000)).toBe(true);
  await leases.release("m", 1);
  expect(await leases.renew("m", 1, 60_000)).toBe(false);
  expect(await leases.acquire("m", here, 60_000)).toEqual({ fencing: 2 });
  // What the former holder still says changes nothing.
  await leases.release("m", 1);
  expect(await leases.renew("m", 1, 60_000)).toBe(false);
  expect(await leases.renew("m", 2, 60_000)).toBe(true);
});

test("A lapsed lease is taken over, and its holder learns that it lost it", async () => {
  const { leases } = at.ledger;
  await leases.acquire("lapses", here, 150);
  expect(await leases.acquire("lapses", { ...here, host: "other" }, 60_000)).toBeUndefined();
  await new Promise((resolve) => setTimeout(resolve, 200));
  expect(await leases.renew("lapses", 1, 60_000)).toBe(false);
  expect(await leases.acquire("lapses", { ...here, host: "other" }, 60_000)).toEqual({
    fencing: 2,
  });
});

test("A lease of a dead process of this machine is taken at once, of another machine or boot never", async () => {
  const { leases } = at.ledger;
  await leases.acquire("dead", here, 60_000);
  const asked: number[] = [];
  const dead = (holder: LeaseHolder): boolean => asked.push(holder.pid) > 0;
  expect(await leases.acquire("dead", { ...here, host: "other" }, 60_000, dead)).toBeUndefined();
  expect(await leases.acquire("dead", { ...here, boot: "other" }, 60_000, dead)).toBeUndefined();
  expect(asked).toEqual([]);
  expect(await leases.acquire("dead", { ...here, pid: 2 }, 60_000, () => false)).toBeUndefined();
  const both = await Promise.all(
    [2, 3].map((pid) => leases.acquire("dead", { ...here, pid }, 60_000, (one) => one.pid === 1)),
  );
  expect(both.filter((one) => one !== undefined)).toEqual([{ fencing: 2 }]);
  expect(await leases.renew("dead", 1, 1000)).toBe(false);
  // Somebody alive took it while this one looked at the dead.
  const overtaken = await leases.acquire("dead", { ...here, pid: 4 }, 60_000, async () => {
    await leases.acquire("dead", { ...here, pid: 5 }, 60_000, () => true);
    return true;
  });
  expect(overtaken).toBeUndefined();
  expect(await leases.renew("dead", 3, 1000)).toBe(true);
});

const running = async (
  handlers: Readonly<Record<string, JobHandler>>,
  until: () => Promise<unknown>,
  options: { readonly leaseMs?: number } = {},
): Promise<void> => {
  const stop = new AbortController();
  const runner = at.ledger.jobs.run({
    handlers,
    signal: stop.signal,
    pollMs: 20,
    backoffMs: 10,
    ...options,
  });
  try {
    await until();
  } finally {
    stop.abort();
    await runner;
  }
};

const ended =
  (id: string, state: string): (() => Promise<unknown>) =>
  async () =>
    await waitFor(async () => (await at.ledger.jobs.get(id))?.state === state);

test("A job runs, tells its progress, and keeps its result", async () => {
  const id = await at.ledger.jobs.enqueue({ kind: "good", payload: { a: 1 } });
  const seen: unknown[] = [];
  await running(
    {
      good: async (job, { progress }) => {
        seen.push(job.payload, job.attempt, job.tenantUid);
        await progress({ done: 1 });
        seen.push((await at.ledger.jobs.get(id))?.state);
        return { ok: true };
      },
    },
    ended(id, "done"),
  );
  expect(seen).toEqual([{ a: 1 }, 1, undefined, "running"]);
  expect(await at.ledger.jobs.get(id)).toMatchObject({
    state: "done",
    progress: { done: 1 },
    result: { ok: true },
    attempts: 1,
    error: null,
  });
  expect(await at.ledger.jobs.get("00000000-0000-4000-8000-000000000000")).toBeUndefined();
  expect(await at.ledger.jobs.get("nonsense")).toBeUndefined();
});

test("A job that fails is tried again, later each time, and ends dead with its last error", async () => {
  const id = await at.ledger.jobs.enqueue({ kind: "bad", maxAttempts: 4 });
  const times: number[] = [];
  // What callers are told of it on the way.
  const told: (string | null | undefined)[] = [];
  await running(
    {
      bad: async () => {
        times.push(Date.now());
        told.push((await at.ledger.jobs.get(id))?.error);
        if (times.length < 4) throw new Error("ENOENT: /somewhere/on/disk");
        throw new FileError("unavailable", `attempt ${times.length}`);
      },
    },
    ended(id, "dead"),
  );
  expect(times).toHaveLength(4);
  expect(told).not.toContainEqual(expect.stringContaining("disk"));
  expect(await at.ledger.jobs.get(id)).toMatchObject({
    state: "dead",
    attempts: 4,
    error: "unavailable: attempt 4",
  });
  const [row] = await at.sql<{ wait: number }>(
    "select extract(epoch from run_at - updated_at) * 1000 as wait from bulkhead.job where id = $1",
    [id],
  );
  // Eight times the first wait, half of it more or less.
  expect(Number(row?.wait)).toBeGreaterThanOrEqual(39);
  expect(Number(row?.wait)).toBeLessThanOrEqual(121);
});

test("A job whose runner was killed is run again by another, which the first cannot undo", async () => {
  const id = await at.ledger.jobs.enqueue({ kind: "killed" });
  const [claimed] = await at.sql<{ job: { claim: string }[] }>(
    "select bulkhead.job_claim_v1('{killed}', 1, 100) as job",
  );
  expect(claimed?.job).toHaveLength(1);
  let attempt = 0;
  await running({ killed: async (job) => (attempt = job.attempt) }, ended(id, "done"));
  expect(attempt).toBe(2);
});

test("A job that ends its process each time is dead at last", async () => {
  const id = await at.ledger.jobs.enqueue({ kind: "lethal", maxAttempts: 2 });
  for (let i = 0; i < 2; i++) await at.sql("select bulkhead.job_claim_v1('{lethal}', 1, 0)");
  await running({ lethal: async () => expect.unreachable() }, ended(id, "dead"));
  expect((await at.ledger.jobs.get(id))?.error).toMatch(/ended each time/);
});

test("A long job keeps its lease, and one that lost it is told and writes nothing", async () => {
  const id = await at.ledger.jobs.enqueue({ kind: "long" });
  let runs = 0;
  let lost = false;
  await running(
    {
      long: async (job, { signal }) => {
        runs += 1;
        if (job.attempt > 1) return "second";
        await new Promise((resolve) => setTimeout(resolve, 700));
        expect((await at.ledger.jobs.get(id))?.attempts).toBe(1);
        await at.sql(
          "update bulkhead.job set claim = gen_random_uuid(), lease = bulkhead.now() where id = $1",
          [id],
        );
        await new Promise((resolve) => signal.addEventListener("abort", resolve));
        lost = true;
        return "first";
      },
    },
    ended(id, "done"),
    { leaseMs: 300 },
  );
  expect([runs, lost]).toEqual([2, true]);
  expect((await at.ledger.jobs.get(id))?.result).toBe("second");
});

test("Stopping gives running jobs back without counting the attempt", async () => {
  const id = await at.ledger.jobs.enqueue({ kind: "stopped" });
  let began = false;
  await running(
    {
      stopped: (_job, { signal }) =>
        new Promise((_resolve, reject) => {
          began = true;
          signal.addEventListener("abort", () => reject(new Error("stopped")));
        }),
    },
    () => waitFor(() => began),
  );
  expect(await at.ledger.jobs.get(id)).toMatchObject({ state: "queued", attempts: 0, error: null });
});

test("A job that is claimed while the runner stops is given back, and its handler not called", async () => {
  const id = await at.ledger.jobs.enqueue({ kind: "late" });
  const stop = new AbortController();
  let called = false;
  const runner = at.ledger.jobs.run({
    handlers: {
      late: async () => {
        called = true;
      },
    },
    signal: stop.signal,
  });
  // The claim is on its way.
  stop.abort();
  await runner;
  expect(called).toBe(false);
  expect(await at.ledger.jobs.get(id)).toMatchObject({ state: "queued", attempts: 0, error: null });
});

test("No job runs before its time, or twice at once", async () => {
  const later = await at.ledger.jobs.enqueue({ kind: "later", delayMs: 60_000 });
  const ids = await Promise.all(
    Array.from({ length: 20 }, () => at.ledger.jobs.enqueue({ kind: "many" })),
  );
  const runs: string[] = [];
  const handlers = {
    later: async () => expect.unreachable(),
    many: async (job: { readonly id: string }) => {
      runs.push(job.id);
      await new Promise((resolve) => setTimeout(resolve, 5));
    },
  };
  const all = async (): Promise<unknown> =>
    await waitFor(
      async () =>
        (await at.sql("select 1 from bulkhead.job where kind = 'many' and state <> 'done'"))
          .length === 0,
    );
  await Promise.all([running(handlers, all), running(handlers, all), running(handlers, all)]);
  expect(runs.toSorted()).toEqual(ids.toSorted());
  expect((await at.ledger.jobs.get(later))?.state).toBe("queued");
});

test("What one runner is just claiming, another passes by", async () => {
  const id = await at.ledger.jobs.enqueue({ kind: "contended" });
  const claim = "select jsonb_array_length(bulkhead.job_claim_v1('{contended}', 5, 60000)) as n";
  await using first = await at.connect("bulkhead_system");
  await first.client.query("begin");
  expect((await first.client.query(claim)).rows).toEqual([{ n: 1 }]);
  expect(await at.sql(claim)).toEqual([{ n: 0 }]);
  await first.client.query("commit");
  expect(await at.ledger.jobs.get(id)).toMatchObject({ state: "running", attempts: 1 });
});

test("Events come in order for each tenant, to one claimer at a time, until they are acknowledged", async () => {
  const one = await at.tenant("events");
  const two = await at.tenant("events-too");
  const emit = async (uid: string): Promise<void> => {
    await at.ledger.intents.settle(await at.ledger.intents.begin(settlement(uid), writing()), {});
  };
  for (let i = 0; i < 3; i++) await emit(one.uid);
  const first = await at.ledger.outbox.claim(2, 60_000);
  expect(first.map((event) => [event.tenantUid, event.seq])).toEqual([
    [one.uid, 1],
    [one.uid, 2],
  ]);
  await emit(two.uid);
  // The third of the first tenant waits for the two before it; another tenant's does not.
  expect((await at.ledger.outbox.claim(10, 60_000)).map((event) => event.tenantUid)).toEqual([
    two.uid,
  ]);
  expect(await at.ledger.outbox.claim(10, 60_000)).toEqual([]);
  await at.sql("update bulkhead.event_position set claimed_until = 'epoch' where tenant = $1", [
    one.uid,
  ]);
  const late = await at.ledger.outbox.claim(10, 60_000);
  expect(late.map((event) => [event.seq, event.attempts])).toEqual([
    [1, 2],
    [2, 2],
    [3, 2],
  ]);
  // The first is done with; the others can be had at once.
  await at.ledger.outbox.ack([late[0]?.id ?? ""]);
  const again = await at.ledger.outbox.claim(10, 60_000);
  expect(again.map((event) => event.seq)).toEqual([2, 3]);
  await at.ledger.outbox.ack(again.map((event) => event.id));
  const claims = await Promise.all(
    Array.from({ length: 5 }, () => at.ledger.outbox.claim(10, 60_000)),
  );
  expect(claims.flat()).toEqual([]);
});
