import type { ErrorCode, MoveOptions } from "@bulkhead/contract";
import { ok, refuses, same } from "../assert.ts";
import type { Bench, TreeShape } from "../bench.ts";
import type { Case, Need, Topic } from "../case.ts";

type Verb = "copy" | "move";

/** What is planted for the tables below. */
const shape: TreeShape = { f: "file", g: "other", "d/a": "1", "d/s/b": "22", "e/x": "3" };

/** From, to, mode, and why not; both verbs refuse alike. */
const refusals: readonly (readonly [string, string, MoveOptions["mode"], ErrorCode])[] = [
  ["f", "f", undefined, "already-exists"],
  ["f", "f", "create", "already-exists"],
  ["f", "f", "overwrite", "invalid-request"],
  ["f", "f", { ifMatch: "x" }, "invalid-request"],
  ["d", "d", "create", "already-exists"],
  ["d", "d", "overwrite", "invalid-request"],
  ["d", "d/new", "create", "invalid-request"],
  ["d", "d/s/new/deep", "overwrite", "invalid-request"],
  ["d", "d/a/below", "create", "invalid-request"],
  ["", "new", "create", "invalid-request"],
  ["", "", "overwrite", "invalid-request"],
  ["f", "", "create", "already-exists"],
  ["f", "", "overwrite", "already-exists"],
  ["d", "", "create", "already-exists"],
  ["missing", "new", "create", "not-found"],
  ["missing", "f", "create", "not-found"],
  ["missing", "f/below", "overwrite", "not-found"],
  ["f/below", "new", "create", "not-found"],
  ["d/missing/deep", "new", "overwrite", "not-found"],
  ["f", "g", undefined, "already-exists"],
  ["f", "g", "create", "already-exists"],
  ["f", "g", { ifMatch: "x" }, "precondition-failed"],
  ["f", "new", { ifMatch: "x" }, "precondition-failed"],
  ["f", "n/e/w", { ifMatch: "x" }, "precondition-failed"],
  ["f", "d", undefined, "already-exists"],
  ["f", "d", "overwrite", "is-directory"],
  ["f", "d", { ifMatch: "x" }, "is-directory"],
  ["d/a", "d", "create", "already-exists"],
  ["d/a", "d", "overwrite", "is-directory"],
  ["d", "f", "create", "already-exists"],
  ["d", "f", "overwrite", "already-exists"],
  ["d", "e", "create", "already-exists"],
  ["d", "e", "overwrite", "already-exists"],
  ["d", "e", { ifMatch: "x" }, "already-exists"],
  ["d/s", "d", "overwrite", "already-exists"],
  ["d", "new", { ifMatch: "x" }, "precondition-failed"],
  ["f", "g/below", "create", "not-directory"],
  ["f", "f/below", "create", "not-directory"],
  ["f", "g/below/deep", "overwrite", "not-directory"],
  ["d", "g/below", "create", "not-directory"],
];

const spell = (mode: MoveOptions["mode"]): string =>
  typeof mode === "object" ? "ifMatch" : (mode ?? "by default");
const withMode = (mode: MoveOptions["mode"]): MoveOptions => (mode === undefined ? {} : { mode });
const conditional: readonly Need[] = ["conditionalWrite"];

const refusalCases = (verb: Verb): readonly Case[] =>
  refusals.map(([from, to, mode, code]) => ({
    name: `refuses '${from}' to '${to}', ${spell(mode)}: ${code}`,
    ...(typeof mode === "object" && { needs: conditional }),
    run: async (t) => {
      await t.plant(shape);
      await refuses(t[verb](from, to, withMode(mode)), code, verb);
      await t.expectTree(shape, "after the refusal");
    },
  }));

/** What is left at the source. */
const left = (verb: Verb, kept: TreeShape): TreeShape => (verb === "copy" ? kept : {});

const common = (verb: Verb): readonly Case[] => [
  ...refusalCases(verb),
  {
    name: "brings a file to a place where nothing is",
    run: async (t) => {
      await t.plant({ "d/f": "content", "d/other": "x" });
      const answer = await t[verb]("d/f", "new");
      if (verb === "move") same(answer, {}, "the answer");
      else {
        ok("etag" in answer, "the copy of a file answers as a write does");
        same(
          [answer.size, answer.created, answer.replaced, answer.etag],
          [7, true, undefined, await t.etag("new")],
          "the answer",
        );
      }
      same((await t.stat("new")).name, "new", "the name in its stat");
      await t.expectTree(
        { new: "content", "d/other": "x", ...left(verb, { "d/f": "content" }) },
        "afterwards",
      );
    },
  },
  {
    name: "makes the target's missing parents",
    run: async (t) => {
      await t.plant({ f: "1", "d/a": "2", keep: "3" });
      await t[verb]("f", "n/e/w/f");
      await t[verb]("d", "m/o/r/e");
      await t.expectTree(
        { keep: "3", "n/e/w/f": "1", "m/o/r/e/a": "2", ...left(verb, { f: "1", "d/a": "2" }) },
        "afterwards",
      );
    },
  },
  {
    name: "overwrites a file and says what it replaced",
    run: async (t) => {
      await t.plant({ f: "content", g: "12345" });
      const answer = await t[verb]("f", "g", { mode: "overwrite" });
      same("replaced" in answer ? answer.replaced?.size : undefined, 5, "replaced");
      if ("created" in answer) same(answer.created, false, "created");
      await t.expectTree({ g: "content", ...left(verb, { f: "content" }) }, "afterwards");
    },
  },
  {
    name: "overwrites where nothing is, too",
    run: async (t) => {
      await t.plant({ f: "content", "d/a": "1", "k/x": "k" });
      same(
        "replaced" in (await t[verb]("f", "g", { mode: "overwrite" })),
        false,
        "nothing was replaced",
      );
      await t[verb]("d", "e", { mode: "overwrite" });
      await t.expectTree(
        { g: "content", "e/a": "1", "k/x": "k", ...left(verb, { f: "content", "d/a": "1" }) },
        "afterwards",
      );
    },
  },
  {
    name: "replaces under mode ifMatch the target that it names",
    needs: conditional,
    run: async (t) => {
      await t.plant({ f: "content" });
      const old = (await t.put("g", "1")).etag;
      const now = (await t.put("g", "22")).etag;
      const error = await refuses(
        t[verb]("f", "g", { mode: { ifMatch: old } }),
        "precondition-failed",
        "a stale target",
      );
      same(error.fields.etag, now, "the ETag in the refusal");
      await t.expectTree({ f: "content", g: "22" }, "after the refusal");
      await t[verb]("f", "g", { mode: { ifMatch: now } });
      await t.expectTree({ g: "content", ...left(verb, { f: "content" }) }, "afterwards");
    },
  },
  {
    name: "takes under ifMatch only the source that it names",
    needs: conditional,
    run: async (t) => {
      const old = (await t.put("f", "one")).etag;
      const now = (await t.put("f", "two")).etag;
      await refuses(
        t[verb]("f", "n/e/w", { ifMatch: old }),
        "precondition-failed",
        "a stale source",
      );
      await t.expectTree({ f: "two" }, "after the refusal: no parents are left");
      await t[verb]("f", "n/e/w", { ifMatch: now });
      await t.expectTree({ "n/e/w": "two", ...left(verb, { f: "two" }) }, "afterwards");
    },
  },
  {
    name: "refuses ifMatch on a directory, and the source's fault before the target's",
    needs: conditional,
    run: async (t) => {
      await t.plant(shape);
      await refuses(t[verb]("d", "new", { ifMatch: "x" }), "precondition-failed", "a directory");
      await refuses(
        t[verb]("f", "g", { ifMatch: "x" }),
        "precondition-failed",
        "a stale source and a target that exists",
      );
      await refuses(
        t[verb]("f", "g/below", { ifMatch: "x" }),
        "precondition-failed",
        "a stale source and a target below a file",
      );
      await t.expectTree(shape, "after the refusals");
    },
  },
  {
    name: "brings a directory with all that is in it",
    run: async (t) => {
      await t.plant({ "d/a": "1", "d/s/b": "22", "d/s/t/c": "333", "dd/x": "k", "d!": "k" });
      const answer = await t[verb]("d", "n/new");
      same(answer, verb === "copy" ? { files: 3, bytes: 6 } : {}, "the answer");
      const kept = { "d/a": "1", "d/s/b": "22", "d/s/t/c": "333" };
      await t.expectTree(
        {
          "n/new/a": "1",
          "n/new/s/b": "22",
          "n/new/s/t/c": "333",
          "dd/x": "k",
          "d!": "k",
          ...left(verb, kept),
        },
        "afterwards",
      );
      same((await t.stat("n/new")).name, "new", "the name in its stat");
    },
  },
  {
    name: "brings empty directories along",
    needs: ["directories"],
    run: async (t) => {
      await t.plant({ "d/": "", "d/s/": "", "e/": "" });
      await t[verb]("d", "n");
      await t[verb]("e", "m");
      await t.expectTree(
        { "n/s/": "", "m/": "", ...left(verb, { "d/s/": "", "e/": "" }) },
        "afterwards",
      );
    },
  },
  {
    name: "brings a directory to a name that its own begins",
    run: async (t) => {
      await t.plant({ "d/a": "1" });
      await t[verb]("d", "d!");
      await t[verb]("d!", "dd/d");
      await t.expectTree(
        { "dd/d/a": "1", ...left(verb, { "d/a": "1", "d!/a": "1" }) },
        "afterwards",
      );
    },
  },
  {
    name: "brings content type and metadata along",
    needs: ["metadata", "contentType"],
    run: async (t) => {
      await t.put("d/f", "x", { contentType: "application/x-odd", metadata: { k: "v" } });
      await t[verb]("d/f", "g.txt");
      const file = await t.stat("g.txt");
      same([file.contentType, file.metadata], ["application/x-odd", { k: "v" }], "of a file");
      await t.put("e/f", "x", { contentType: "application/x-odd", metadata: { k: "v" } });
      await t[verb]("e", "h");
      const inner = await t.stat("h/f");
      same(
        [inner.contentType, inner.metadata],
        ["application/x-odd", { k: "v" }],
        "of a file in a directory",
      );
    },
  },
];

const separate = async (t: Bench): Promise<void> => {
  await t.plant({ "d/a": "1" });
  await t.copy("d", "e");
  await t.copy("d/a", "b");
  await t.put("d/a", "changed");
  await t.put("e/new", "x");
  await t.expectTree({ "d/a": "changed", "e/a": "1", "e/new": "x", b: "1" }, "afterwards");
};

export const copying: Topic = {
  name: "copying",
  cases: [...common("copy"), { name: "makes copies that live on their own", run: separate }],
};

export const moving: Topic = {
  name: "moving",
  cases: [
    ...common("move"),
    {
      name: "swaps two files by a third name",
      run: async (t) => {
        await t.plant({ a: "1", b: "22" });
        await t.move("a", "c");
        await t.move("b", "a");
        await t.move("c", "b");
        await t.expectTree({ a: "22", b: "1" }, "afterwards");
      },
    },
    {
      name: "moves a file up and down its own branch",
      run: async (t) => {
        await t.plant({ "a/b/f": "x", "a/k": "k" });
        await t.move("a/b/f", "a/f");
        await t.move("a/f", "a/c/d/f");
        same(await t.get("a/c/d/f"), "x", "the content");
        await t.expectTree({ "a/b/": "", "a/c/d/f": "x", "a/k": "k" }, "afterwards");
      },
    },
  ],
};
