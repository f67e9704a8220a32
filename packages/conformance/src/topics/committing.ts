import type { OpContext, Staged } from "@bulkhead/contract";
import { at, type Bench, context, type TreeShape } from "../bench.ts";
import { ok, refuses, rethrows, same } from "../assert.ts";
import { chunked } from "../bodies.ts";
import type { Case, Need, Topic } from "../case.ts";
import { gate } from "../gate.ts";

const shape: TreeShape = { f: "old", g: "other", "d/s/x": "12" };

interface Mutation {
  readonly name: string;
  readonly call: (t: Bench, ctx: OpContext) => Promise<unknown>;
  readonly after: TreeShape;
  /** Of what is staged, where every backend says the same. */
  readonly size?: number;
  /** The file whose ETag is told, because it will be replaced or removed. */
  readonly replaces?: string;
  readonly needs?: readonly Need[];
}

const mutations: readonly Mutation[] = [
  {
    name: "a new file",
    call: (t, c) => t.put("n/e/w", "12345", {}, c),
    after: { ...shape, "n/e/w": "12345" },
    size: 5,
  },
  {
    name: "an overwrite",
    call: (t, c) => t.put("f", "12345", {}, c),
    after: { ...shape, f: "12345" },
    size: 5,
    replaces: "f",
  },
  {
    name: "an overwrite by nothing",
    call: (t, c) => t.put("f", "", {}, c),
    after: { ...shape, f: "" },
    size: 0,
    replaces: "f",
  },
  {
    name: "a body of unknown size",
    call: (t, c) => t.put("f", chunked(["123", "45"]), {}, c),
    after: { ...shape, f: "12345" },
    size: 5,
    replaces: "f",
  },
  {
    name: "a creation",
    call: (t, c) => t.put("h", "12", { mode: "create" }, c),
    after: { ...shape, h: "12" },
    size: 2,
    needs: ["conditionalWrite"],
  },
  {
    name: "mkdir",
    call: (t, c) => t.mkdir("d/new", c),
    after: { ...shape, "d/new/": "" },
    size: 0,
    needs: ["directories"],
  },
  {
    name: "the removal of a file",
    call: (t, c) => t.remove("f", {}, c),
    after: { g: "other", "d/s/x": "12" },
    size: 0,
    replaces: "f",
  },
  {
    name: "the removal of a tree",
    call: (t, c) => t.remove("d", { recursive: true }, c),
    after: { f: "old", g: "other" },
    size: 0,
  },
  {
    name: "the removal of everything",
    call: (t, c) => t.remove("", { recursive: true }, c),
    after: {},
    size: 0,
  },
  {
    name: "the copy of a file",
    call: (t, c) => t.copy("f", "n/e/w", {}, c),
    after: { ...shape, "n/e/w": "old" },
    size: 3,
  },
  {
    name: "a copy over a file",
    call: (t, c) => t.copy("f", "g", { mode: "overwrite" }, c),
    after: { ...shape, g: "old" },
    size: 3,
    replaces: "g",
  },
  {
    name: "the copy of a tree",
    call: (t, c) => t.copy("d", "n/d", {}, c),
    after: { ...shape, "n/d/s/x": "12" },
  },
  {
    name: "the move of a file",
    call: (t, c) => t.move("f", "n/e/w", {}, c),
    after: { g: "other", "d/s/x": "12", "n/e/w": "old" },
    size: 0,
  },
  {
    name: "a move over a file",
    call: (t, c) => t.move("f", "g", { mode: "overwrite" }, c),
    after: { g: "old", "d/s/x": "12" },
    size: 0,
    replaces: "g",
  },
  {
    name: "the move of a tree",
    call: (t, c) => t.move("d", "n/d", {}, c),
    after: { f: "old", g: "other", "n/d/s/x": "12" },
    size: 0,
  },
];

/** Where the storage is the ledger, its own transaction decides: these cases are then its own tests' affair. */
const asked: readonly Need[] = ["commitAsked"];

const each = (
  name: (what: string) => string,
  run: (t: Bench, one: Mutation) => Promise<void>,
): readonly Case[] =>
  mutations.map((one) => ({
    name: name(one.name),
    needs: [...(one.needs ?? []), ...asked],
    run: async (t) => {
      await t.plant(shape);
      await run(t, one);
    },
  }));

/** Calls that a check refuses, or that change nothing. */
const silentCalls: Readonly<Record<string, (t: Bench, ctx: OpContext) => Promise<unknown>>> = {
  "a stat": (t, c) => t.stat("f", c),
  "a read": async (t, c) => (await t.backend.read(c, at("f")))[Symbol.asyncDispose](),
  "a list": (t, c) => t.list("d", {}, c),
  "a creation of what exists": (t, c) => t.put("f", "x", { mode: "create" }, c),
  "a write under a stale ETag": (t, c) => t.put("f", "x", { mode: { ifMatch: "x" } }, c),
  "a write onto a directory": (t, c) => t.put("d", "x", {}, c),
  "a write below a file": (t, c) => t.put("f/x", "x", {}, c),
  "a body of the wrong size": (t, c) => t.put("f", chunked(["x"], 2), {}, c),
  "a body that fails": (t, c) =>
    t.put("f", chunked([() => Promise.reject(new Error("gone"))]), {}, c),
  "mkdir of what exists": (t, c) => t.mkdir("d", c),
  "mkdir in nothing": (t, c) => t.mkdir("missing/new", c),
  "the removal of nothing": (t, c) => t.remove("missing", {}, c),
  "the removal of a full directory": (t, c) => t.remove("d", {}, c),
  "the removal under a stale ETag": (t, c) => t.remove("f", { ifMatch: "x" }, c),
  "a copy onto a file": (t, c) => t.copy("f", "g", {}, c),
  "a copy of nothing": (t, c) => t.copy("missing", "n/g", {}, c),
  "a move onto a directory": (t, c) => t.move("f", "d", { mode: "overwrite" }, c),
  "a move into itself": (t, c) => t.move("d", "d/s/d", {}, c),
};

export const committing: Topic = {
  name: "committing",
  cases: [
    ...each(
      (what) => `asks once for ${what}, telling what is staged`,
      async (t, one) => {
        const told: Staged[] = [];
        const before = one.replaces === undefined ? undefined : await t.etag(one.replaces);
        await one.call(t, context({ commit: async (staged) => void told.push(staged) }));
        same(told.length, 1, "commits");
        ok(typeof told[0]?.id === "string" && told[0].id !== "", "what is staged has an id");
        if (one.size !== undefined) same(told[0].size, one.size, "the staged size");
        if (before !== undefined) same(told[0].etagBefore, before, "etagBefore");
        await t.expectTree(one.after, "afterwards");
      },
    ),
    ...each(
      (what) => `shows nothing of ${what} while the commit is pending`,
      async (t, one) => {
        const asked = gate();
        const granted = gate();
        const call = one.call(t, context({ commit: () => (asked.open(), granted.passed) }));
        await Promise.race([asked.passed, call]);
        await t.expectTree(shape, "while pending");
        granted.open();
        await call;
        await t.expectTree(one.after, "once granted");
      },
    ),
    ...each(
      (what) => `changes nothing where the commit of ${what} is refused`,
      async (t, one) => {
        for (const refusal of [new Error("the ledger refused"), "not even an error"]) {
          await rethrows(
            one.call(t, context({ commit: () => Promise.reject(refusal) })),
            refusal,
            one.name,
          );
          await t.expectTree(shape, "afterwards");
        }
        await one.call(t, context());
        await t.expectTree(one.after, "tried again");
      },
    ),
    ...Object.entries(silentCalls).map(([name, call]): Case => ({
      name: `asks nothing for ${name}`,
      run: async (t) => {
        await t.plant(shape);
        let commits = 0;
        await call(t, context({ commit: async () => void commits++ })).catch(() => undefined);
        same(commits, 0, "commits");
        await t.expectTree(shape, "afterwards");
      },
    })),
    {
      name: "gives everything staged an id of its own",
      needs: asked,
      run: async (t) => {
        const ids = new Set<string>();
        const ctx = context({ commit: async ({ id }) => void ids.add(id) });
        for (let i = 0; i < 5; i++) await t.put("f", "x", {}, ctx);
        for (let i = 0; i < 5; i++) await t.put(`f${i}`, "x", {}, ctx);
        same(ids.size, 10, "different ids");
      },
    },
    {
      name: "lets other paths go on while a commit is pending",
      needs: asked,
      run: async (t) => {
        await t.plant(shape);
        const asked = gate();
        const granted = gate();
        const pending = t.put(
          "d/pending",
          "x",
          {},
          context({ commit: () => (asked.open(), granted.passed) }),
        );
        await asked.passed;
        await t.put("d/next", "1");
        await t.put("f", "2");
        await t.remove("g");
        await t.expectTree({ f: "2", "d/next": "1", "d/s/x": "12" }, "while pending");
        granted.open();
        await pending;
        same(await t.get("d/pending"), "x", "what was pending");
      },
    },
    {
      name: "gives the next one its turn where a commit is refused",
      needs: ["conditionalWrite", ...asked],
      run: async (t) => {
        const { etag } = await t.put("f", "one");
        const asked = gate();
        const refusal = new Error("refused");
        const granted = gate();
        const commit = async (): Promise<void> => {
          asked.open();
          await granted.passed;
          throw refusal;
        };
        const first = rethrows(
          t.put("f", "two", { mode: { ifMatch: etag } }, context({ commit })),
          refusal,
          "the first",
        );
        await asked.passed;
        const second = t.put("f", "three", { mode: { ifMatch: etag } });
        granted.open();
        await first;
        await second;
        same(await t.get("f"), "three", "the content");
        await refuses(
          t.put("f", "four", { mode: { ifMatch: etag } }),
          "precondition-failed",
          "a third",
        );
      },
    },
  ],
};
