import { query } from "@bulkhead/harness";
import pg from "pg";
import { beforeEach, describe, expect, it, onTestFinished } from "vitest";
import { postgres } from "./postgres.ts";
import { cut, observedPools, type Observer } from "./test/observed.ts";
import { emptied, sharedDatabase } from "./test/shared-database.ts";
import { at, codeOf, ctx, get, put } from "./test/tools.ts";

let url: string;
beforeEach(async () => {
  url = await emptied(await sharedDatabase());
});

const open = (see: Observer = (_name, go) => go()) => {
  const pools = observedPools(see);
  const backend = postgres({ url, pools });
  onTestFinished(async () => {
    await backend.close();
    await pools.close();
  });
  return backend;
};

/** Keeps every transaction from inserting its effect, until it is let go. */
const holdEffects = async () => {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  await client.query("begin");
  await client.query("lock table bulkhead.effect in share mode");
  let ended: Promise<void> | undefined;
  const letGo = (): Promise<void> => (ended ??= client.end());
  onTestFinished(letGo);
  return letGo;
};

const waiting = async (statement: string): Promise<readonly number[]> =>
  (
    await query(
      url,
      `select pid from pg_stat_activity
       where datname = current_database() and wait_event_type = 'Lock' and query like $1`,
      [`%${statement}%`],
    )
  ).map((row) => Number(row["pid"]));

const oneWaits = async (statement: string): Promise<void> => {
  await expect.poll(() => waiting(statement), { timeout: 10_000 }).toHaveLength(1);
};

describe("a connection that is killed while its effect commits", () => {
  it("answers 'unavailable' and leaves the old content where the server undid it", async () => {
    const backend = open();
    await put(backend, "f", "old");
    const letGo = await holdEffects();
    const ids: string[] = [];
    const writing = put(
      backend,
      "f",
      "new",
      ctx(async ({ id }) => void ids.push(id)),
    );
    const outcome = writing.catch((error: unknown) => error);
    await oneWaits("write_v1");
    const [pid] = await waiting("write_v1");
    await query(url, "select pg_terminate_backend($1)", [pid]);
    await oneWaits("verdict_v1");
    await letGo();
    expect(await outcome).toMatchObject({ code: "unavailable", retry: "safe" });
    expect(await get(backend, "f")).toBe("old");
    const staged = { operation: "write", paths: [], staged: ids[0] ?? "" } as const;
    expect(await backend.recover(ctx(), staged)).toBe("undone");
    await put(backend, "f", "again");
    expect(await get(backend, "f")).toBe("again");
  });

  it("waits for one that the server goes on with, and answers its result", async () => {
    let lost = false;
    const backend = open((name, go) => {
      const answer = go();
      if (name !== "write" || !lost) return answer;
      lost = false;
      // The server has the statement; whoever asked hears of it no more.
      answer.catch(() => undefined);
      return new Promise((_, reject) => setTimeout(() => reject(cut()), 100));
    });
    await put(backend, "f", "old");
    const letGo = await holdEffects();
    const writing = put(
      backend,
      "f",
      "newer",
      ctx(async () => void (lost = true)),
    );
    await oneWaits("verdict_v1");
    await letGo();
    // Which of the two the server took first after the lock: either way, the answer is what is stored.
    const outcome = await writing.then(
      ({ size, replaced }) => [size, replaced?.size],
      (error: unknown) => (error instanceof Error && "code" in error ? error.code : error),
    );
    expect([
      [[5, 3], "newer"],
      ["unavailable", "old"],
    ]).toContainEqual([outcome, await get(backend, "f")]);
  });

  it("answers the result of one whose answer alone was lost", async () => {
    let lost = false;
    const backend = open(async (name, go) => {
      const rows = await go();
      if (name !== "write" || !lost) return rows;
      lost = false;
      throw cut();
    });
    const first = await put(backend, "f", "one");
    const answer = await put(
      backend,
      "f",
      "three",
      ctx(async () => void (lost = true)),
    );
    expect(answer).toMatchObject({ size: 5, created: false, replaced: { size: 3 } });
    expect(answer.etag).not.toBe(first.etag);
    expect(await get(backend, "f")).toBe("three");
  });

  it("says so where nobody can find out", async () => {
    let gone = false;
    const backend = open(async (_name, go) => {
      const rows = await go();
      if (gone) throw cut();
      return rows;
    });
    const writing = put(
      backend,
      "f",
      "x",
      ctx(async () => void (gone = true)),
    );
    await expect(writing).rejects.toMatchObject({ code: "unavailable", retry: "never" });
  });
});

it("tries again after a deadlock, three times at most, and then says 'conflict'", async () => {
  let failures = 2;
  const backend = open((name, go) => {
    if (name !== "write" || failures-- <= 0) return go();
    throw Object.assign(new Error("deadlock detected"), { code: "40P01" });
  });
  await put(backend, "f", "x");
  expect(await get(backend, "f")).toBe("x");
  failures = 3;
  expect(await codeOf(put(backend, "f", "y"))).toBe("conflict");
  expect(await get(backend, "f")).toBe("x");
});

it("begins no change that was granted too long ago, not even after a deadlock", async () => {
  let held: Promise<unknown> = Promise.resolve();
  let [deadlock, isGranted, attempts] = [false, false, 0];
  const pools = observedPools(
    async (name, go) => {
      if (name === "open") await held;
      if (name !== "write" || !deadlock || !isGranted) return go();
      attempts += 1;
      await new Promise((resolve) => setTimeout(resolve, 100));
      throw Object.assign(new Error("deadlock detected"), { code: "40P01" });
    },
    { maxConnections: 1 },
  );
  const backend = postgres({ url, pools, grantMs: 60 });
  onTestFinished(async () => {
    await backend.close();
    await pools.close();
  });
  await put(backend, "f", "old");
  let reading: Promise<unknown> = Promise.resolve();
  const granted = ctx(async () => {
    // Takes the only connection between the grant and the effect, for longer than the grant stands.
    held = new Promise((resolve) => setTimeout(resolve, 200));
    reading = get(backend, "f");
  });
  await expect(put(backend, "f", "late", granted)).rejects.toMatchObject({
    code: "unavailable",
    retry: "safe",
  });
  expect(await reading).toBe("old");
  expect(await get(backend, "f")).toBe("old");
  await put(backend, "f", "again");
  expect(await get(backend, "f")).toBe("again");

  deadlock = true;
  expect(
    await codeOf(
      put(
        backend,
        "f",
        "late",
        ctx(async () => void (isGranted = true)),
      ),
    ),
  ).toBe("unavailable");
  expect(attempts).toBe(1);
  expect(await get(backend, "f")).toBe("again");
});

it("tells neither SQL nor host of what the server says", async () => {
  for (const [code, expected] of [
    ["53100", "unavailable"],
    ["53300", "unavailable"],
    ["57014", "unavailable"],
    ["57P01", "unavailable"],
    ["08006", "unavailable"],
    ["42501", "unavailable"],
    ["3D000", "unavailable"],
    ["22021", "invalid-request"],
    ["XX000", "internal"],
  ] as const) {
    const backend = open(() => {
      throw Object.assign(new Error("secret host.example select 1"), { code });
    });
    const error: unknown = await backend.stat(ctx(), at("f")).catch((one: unknown) => one);
    expect(error).toMatchObject({ code: expected });
    expect(error instanceof Error && error.message).not.toMatch(/secret|select|example/);
  }
});
