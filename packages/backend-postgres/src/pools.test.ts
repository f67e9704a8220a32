import { describe, expect, it, onTestFinished } from "vitest";
import type { Connection } from "./connection.ts";
import { pools } from "./pools.ts";
import type { Lease, PoolsOptions } from "./pools-types.ts";
import { codeOf, gate } from "./test/tools.ts";

/** Connections to nowhere that count themselves. */
const fake = (options: PoolsOptions = {}) => {
  const seen = { open: 0, most: 0, opened: 0, perUrl: new Map<string, number>(), mostPerUrl: 0 };
  const breakers: (() => void)[] = [];
  const all = pools({
    ...options,
    open: async (url): Promise<Connection> => {
      seen.opened += 1;
      seen.open += 1;
      seen.most = Math.max(seen.most, seen.open);
      const here = (seen.perUrl.get(url) ?? 0) + 1;
      seen.perUrl.set(url, here);
      seen.mostPerUrl = Math.max(seen.mostPerUrl, here);
      await new Promise((resolve) => setImmediate(resolve));
      return {
        query: async () => [[url]],
        end: async () => {
          await new Promise((resolve) => setImmediate(resolve));
          seen.open -= 1;
          const rest = (seen.perUrl.get(url) ?? 0) - 1;
          if (rest === 0) seen.perUrl.delete(url);
          else seen.perUrl.set(url, rest);
        },
        onBroken: (listener) => void breakers.push(listener),
      };
    },
  });
  onTestFinished(() => all.close());
  return { all, seen, breakers };
};

const ask = { name: "q", text: "q" };
const use = async (lease: Lease): Promise<unknown> => {
  const [row] = await lease.query(ask, []);
  await new Promise((resolve) => setImmediate(resolve));
  lease.release();
  return row?.[0];
};

describe("pools of connections", () => {
  it("serve ten thousand databases within their bounds, forgetting those that are not in use", async () => {
    const { all, seen } = fake({
      maxConnections: 50,
      maxPools: 30,
      maxPerDatabase: 4,
      waitMs: 15_000,
      maxWaiting: 30_000,
    });
    const urls = Array.from({ length: 20_000 }, (_, i) => `db${(i * 7919) % 10_000}`);
    const answers = await Promise.all(urls.map(async (url) => use(await all.lease(url))));
    expect(answers).toEqual(urls);
    expect(seen.most).toBeLessThanOrEqual(50);
    expect(seen.mostPerUrl).toBeLessThanOrEqual(4);
    expect(all.count().databases).toBeLessThanOrEqual(30);
    expect(all.count()).toMatchObject({ leased: 0, waiting: 0 });
  }, 60_000);

  it("keep to the most databases at once", async () => {
    const { all, seen } = fake({ maxConnections: 10, maxPools: 3 });
    const first = await Promise.all(["a", "b", "c"].map((url) => all.lease(url)));
    const fourth = all.lease("d");
    expect([all.count().waiting, seen.opened]).toEqual([1, 3]);
    // Another of a database that is in already needs no place.
    (await all.lease("b")).release();
    expect(all.count().waiting).toBe(1);
    first[1]?.release();
    expect(await use(await fourth)).toBe("d");
    expect(seen.perUrl.has("b")).toBe(false);
    // Nobody else has to go any more.
    (await all.lease("a")).release();
    (await all.lease("c")).release();
    for (const lease of first) lease.release();
  });

  it("let a new database in although those that are in are never idle", async () => {
    const { all } = fake({ maxConnections: 4, maxPools: 2, maxPerDatabase: 2 });
    let ended = false;
    const busy = ["a", "b", "a", "b", "a", "b"].map(async (url) => {
      while (!ended) await use(await all.lease(url));
    });
    expect(await use(await all.lease("c"))).toBe("c");
    ended = true;
    await Promise.all(busy);
  });

  it("give each waiting database its turn, however many wait for one", async () => {
    const { all } = fake({ maxConnections: 1, maxPerDatabase: 1 });
    const held = await all.lease("x");
    const order: string[] = [];
    const waits = ["a", "a", "a", "b"].map(async (url) => {
      const lease = await all.lease(url);
      order.push(url);
      lease.release();
    });
    held.release();
    await Promise.all(waits);
    expect(order).toEqual(["a", "b", "a", "a"]);
  });

  it("open no more connections than all together may, where one database could have them", async () => {
    const { all, seen } = fake({ maxConnections: 3, maxPools: 3, maxPerDatabase: 3 });
    const held = await Promise.all([all.lease("a"), all.lease("a"), all.lease("b")]);
    const more = ["a", "b", "b"].map(async (url) => use(await all.lease(url)));
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect([seen.open, all.count().waiting]).toEqual([3, 3]);
    for (const lease of held) lease.release();
    expect(await Promise.all(more)).toEqual(["a", "b", "b"]);
    expect(seen.most).toBe(3);
  });

  it("use no connection again on which a statement failed for its sake", async () => {
    let opened = 0;
    const all = pools({
      open: async () => ({
        query: () =>
          Promise.reject(
            Object.assign(new Error("gone"), { code: opened++ === 0 ? "ECONNRESET" : "22000" }),
          ),
        end: async () => undefined,
        onBroken: () => undefined,
      }),
    });
    onTestFinished(() => all.close());
    for (const kept of [0, 1]) {
      const lease = await all.lease("a");
      await expect(lease.query(ask, [])).rejects.toThrow("gone");
      lease.release();
      expect(all.count().idle).toBe(kept);
    }
  });

  it("close the connection that was used least recently, and none that is in use", async () => {
    const { all, seen } = fake({ maxConnections: 3 });
    const held = await all.lease("held");
    (await all.lease("a")).release();
    (await all.lease("b")).release();
    (await all.lease("a")).release();
    (await all.lease("c")).release();
    expect([...seen.perUrl.keys()].sort()).toEqual(["a", "c", "held"]);
    expect(await use(held)).toBe("held");
  });

  it("use a connection again", async () => {
    const { all, seen } = fake();
    for (let i = 0; i < 5; i++) await use(await all.lease("a"));
    expect(seen.opened).toBe(1);
  });

  it("serve in the order of asking, no database waiting behind one that has its share", async () => {
    const { all } = fake({ maxConnections: 3, maxPerDatabase: 2 });
    const a = await Promise.all([all.lease("a"), all.lease("a")]);
    const order: string[] = [];
    const waits = ["a", "b", "a", "b"].map(async (url, i) => {
      const lease = await all.lease(url);
      order.push(`${url}${i}`);
      await new Promise((resolve) => setTimeout(resolve, 5));
      lease.release();
    });
    await expect.poll(() => order).toEqual(["b1", "b3"]);
    for (const lease of a) lease.release();
    await Promise.all(waits);
    expect(order.slice(2)).toEqual(["a0", "a2"]);
  });

  it("give up waiting in time, when cancelled, and when too many wait", async () => {
    const { all } = fake({ maxConnections: 1, waitMs: 60, maxWaiting: 2 });
    const held = await all.lease("a");
    const controller = new AbortController();
    const late = all.lease("b");
    const cancelled = all.lease("b", controller.signal);
    await expect(all.lease("b")).rejects.toMatchObject({ code: "unavailable" });
    controller.abort();
    await expect(cancelled).rejects.toMatchObject({ code: "aborted" });
    await expect(late).rejects.toMatchObject({ code: "unavailable", fields: { retryAfter: 1 } });
    await expect(all.lease("b", AbortSignal.abort())).rejects.toMatchObject({ code: "aborted" });
    expect(all.count()).toMatchObject({ waiting: 0, leased: 1 });
    held.release();
    held.release();
    expect(all.count()).toMatchObject({ idle: 1, leased: 0 });
  });

  it("pass on that a connection cannot be opened, and give its place away", async () => {
    let fail = true;
    const all = pools({
      maxConnections: 1,
      open: async () => {
        if (fail) throw Object.assign(new Error("secret"), { code: "ECONNREFUSED" });
        return {
          query: async () => [["x"]],
          end: async () => undefined,
          onBroken: () => undefined,
        };
      },
    });
    onTestFinished(() => all.close());
    await expect(all.lease("a")).rejects.toMatchObject({ code: "unavailable" });
    expect(all.count()).toMatchObject({ connections: 0, databases: 0, leased: 0 });
    fail = false;
    expect(await use(await all.lease("b"))).toBe("x");
  });

  it("drop a connection that breaks, in use or not", async () => {
    const { all, seen, breakers } = fake();
    const lease = await all.lease("a");
    breakers[0]?.();
    lease.release();
    await expect.poll(() => seen.open).toBe(0);
    await use(await all.lease("a"));
    breakers[1]?.();
    await expect.poll(() => seen.open).toBe(0);
    await use(await all.lease("a"));
    expect(seen.opened).toBe(3);
  });

  it("close what is not used for a while", async () => {
    const { all, seen } = fake({ idleMs: 30 });
    await use(await all.lease("a"));
    await use(await all.lease("b"));
    await expect.poll(() => seen.open).toBe(0);
    expect(all.count()).toMatchObject({ databases: 0, connections: 0 });
  });

  it("retire a database: no new leases, those that are out end, then its connections", async () => {
    const { all, seen } = fake({ maxPerDatabase: 2 });
    const held = await all.lease("a");
    (await all.lease("a")).release();
    const done = gate();
    const retiring = all.retire("a").then(done.open);
    await expect(all.lease("a")).rejects.toMatchObject({ code: "unavailable" });
    expect(await use(await all.lease("b"))).toBe("b");
    await expect.poll(() => seen.perUrl.get("a")).toBe(1);
    let ended = false;
    void done.passed.then(() => (ended = true));
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(ended).toBe(false);
    expect((await held.query(ask, []))[0]?.[0]).toBe("a");
    held.release();
    await retiring;
    expect(seen.perUrl.has("a")).toBe(false);
    await all.retire("a");
    all.readmit("a");
    expect(await use(await all.lease("a"))).toBe("a");
  });

  it("turn away who waits for a database that is retired, and everybody when they close", async () => {
    const { all, seen } = fake({ maxConnections: 1 });
    const held = await all.lease("a");
    const b = codeOf(all.lease("b"));
    const c = codeOf(all.lease("c"));
    await all.retire("b");
    expect(await b).toBe("unavailable");
    expect(all.count().waiting).toBe(1);
    const closing = all.close();
    expect(await c).toBe("unavailable");
    await expect(all.lease("a")).rejects.toMatchObject({ code: "unavailable" });
    held.release();
    await closing;
    expect(seen.open).toBe(0);
  });
});
