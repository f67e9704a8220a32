import { parseVirtualPath, type Revision } from "@bulkhead/contract";
import type { RelationChange, StoredTuple } from "@bulkhead/ledger";
import { type FileGraph, loadInSlices } from "@bulkhead/rebac";
import { describe, expect, it } from "vitest";
import { graphs, type GraphsOptions } from "./graphs.ts";

const epoch = "e1";
const at = (n: number, tenant = "t", of = epoch): Revision => ({ tenant, epoch: of, n });
const tuple = (id: string): StoredTuple => ({
  subject: { tenant: "t", type: "user", id },
  relation: "viewer",
  object: { tenant: "t", type: "file", path: parseVirtualPath("/workspace/t/a") },
  expiresAt: undefined,
});

/** A ledger of one table: what it answers is decided by the test, what it was asked is counted. */
const fake = () => {
  let tuples = [tuple("alice"), tuple("bob"), tuple("carol")];
  const log: { readonly n: number; readonly change: RelationChange }[] = [];
  const state = { n: 1, epoch, loads: 0, deltas: 0, gap: false, between: () => undefined as void };
  const change = (made: RelationChange): void => {
    state.n += 1;
    log.push({ n: state.n, change: made });
    if (made.kind === "add") tuples = [...tuples, made.tuple];
    else if (made.kind === "drop")
      tuples = tuples.filter(({ subject }) => subject.id !== made.tuple.subject.id);
  };
  const store: GraphsOptions["store"] = {
    load: async (tenant, after, limit) => {
      state.loads += 1;
      const start = after === undefined ? 0 : Number(after);
      const size = Math.min(limit, 2);
      const whole = limit > 1_000_000;
      const page = whole ? tuples : tuples.slice(start, start + size);
      const revision = at(state.n, tenant, state.epoch);
      const next = whole || start + size >= tuples.length ? undefined : String(start + size);
      await Promise.resolve();
      state.between();
      const own = page.map(({ subject, object, ...rest }) => ({
        ...rest,
        subject: { ...subject, tenant },
        object: { ...object, tenant },
      }));
      return { tuples: own, next, revision };
    },
    delta: async (tenant, since) => {
      state.deltas += 1;
      await Promise.resolve();
      if (state.gap || since.epoch !== state.epoch) return "gap";
      const changes = log.filter(({ n }) => n > since.n).map(({ change: made }) => made);
      return { changes, revision: at(state.n, tenant, state.epoch) };
    },
  };
  return { state, change, store };
};

const sees = (graph: FileGraph, id: string): boolean =>
  graph.check(
    graph.closureOf({ tenant: graph.tenant, type: "user", id }, 0),
    parseVirtualPath("/workspace/t/a"),
    0,
  ).mask === 1;

const open = (store: GraphsOptions["store"], maxBytes = 1 << 30) =>
  graphs({ store, build: loadInSlices, maxBytes });

describe("graphs", () => {
  it("load once for all who ask at the same time, and answer at once from then on", async () => {
    const { state, store } = fake();
    const held = open(store);
    const all = await Promise.all([held.at(at(1)), held.at(at(1)), held.at(at(1))]);
    expect(new Set(all).size).toBe(1);
    expect(state.loads).toBe(2);
    expect(held.at(at(1))).toBe(all[0]);
  });

  it("are brought up to what is asked for, and by nothing else", async () => {
    const { state, store, change } = fake();
    const held = open(store);
    const graph = await held.at(at(1));
    change({ kind: "drop", tuple: tuple("bob") });
    expect(sees(await held.at(at(1)), "bob")).toBe(true);
    const after = await held.at(at(2));
    expect(after).toBe(graph);
    expect(sees(after, "bob")).toBe(false);
    expect(sees(after, "alice")).toBe(true);
    expect(state).toMatchObject({ loads: 2, deltas: 1 });
  });

  it("never answer with less than what was asked, however many ask for different things", async () => {
    const { state, store, change } = fake();
    const held = open(store);
    await held.at(at(1));
    const asks: Promise<void>[] = [];
    for (let i = 0; i < 20; i++) {
      change({ kind: "add", tuple: tuple(`u${i}`) });
      const wanted = at(state.n);
      const ask = async (): Promise<void> => {
        expect(sees(await held.at(wanted), `u${i}`)).toBe(true);
      };
      asks.push(ask());
      if (i % 3 === 0) await Promise.resolve();
    }
    await Promise.all(asks);
    expect(state.deltas).toBeLessThan(20);
  });

  it("load again after a gap and after another epoch, aside", async () => {
    const { state, store, change } = fake();
    const held = open(store);
    const first = await held.at(at(1));
    change({ kind: "drop", tuple: tuple("bob") });
    state.gap = true;
    const second = await held.at(at(2));
    expect(second).not.toBe(first);
    expect(sees(second, "bob")).toBe(false);
    state.gap = false;
    state.epoch = "e2";
    state.n = 1;
    const third = await held.at(at(1, "t", "e2"));
    expect(third).not.toBe(second);
    // A request that was admitted before is served by what is newer, and not for ever asked for.
    expect(await held.at(at(2))).toBeDefined();
  });

  it("begin a load again that a change overtakes, and end all the same if changes never stop", async () => {
    const { state, store, change } = fake();
    let once = true;
    state.between = () => {
      if (once) change({ kind: "drop", tuple: tuple("alice") });
      once = false;
    };
    expect(sees(await open(store).at(at(1)), "alice")).toBe(false);
    state.between = () => change({ kind: "add", tuple: tuple(`x${state.n}`) });
    expect(sees(await open(store).at(at(state.n)), "bob")).toBe(true);
  });

  it("forget what was not used longest when memory is short, never what is asked for", async () => {
    const { state, store } = fake();
    const { bytes } = await open(store).at(at(1));
    const held = open(store, bytes * 2.5);
    for (const tenant of ["a", "b", "a", "c"]) await held.at(at(1, tenant));
    expect(held.bytes()).toBeLessThanOrEqual(bytes * 2.5);
    const before = state.loads;
    expect(held.at(at(1, "a"))).not.toBeInstanceOf(Promise);
    expect(held.at(at(1, "c"))).not.toBeInstanceOf(Promise);
    await held.at(at(1, "b"));
    expect(state.loads).toBeGreaterThan(before);
    const small = open(store, 1);
    expect((await small.at(at(1))).size).toBe(3);
  });

  it("let a failure be that of those who waited for it", async () => {
    const { store } = fake();
    let fails = true;
    const held = open({
      ...store,
      load: (...given) => (fails ? Promise.reject(new Error("away")) : store.load(...given)),
    });
    const both = [held.at(at(1)), held.at(at(1))];
    for (const one of both) await expect(one).rejects.toThrow("away");
    fails = false;
    expect(sees(await held.at(at(1)), "bob")).toBe(true);
    held.close();
    await expect(held.at(at(9))).rejects.toMatchObject({ code: "unavailable" });
  });
});
