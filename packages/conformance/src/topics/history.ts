import type { OpContext, VersionEntry } from "@bulkhead/contract";
import { pastOf } from "@bulkhead/kit";
import { ok, refuses, rethrows, same } from "../assert.ts";
import { at, type Bench, context } from "../bench.ts";
import type { Case, Topic } from "../case.ts";

const entriesOf = async (t: Bench, path: string): Promise<readonly VersionEntry[]> =>
  (await pastOf(t.backend).versions(context(), at(path))).entries;
const restore = (
  t: Bench,
  path: string,
  version: string,
  ctx: OpContext = context(),
): ReturnType<ReturnType<typeof pastOf>["restore"]> =>
  pastOf(t.backend).restore(ctx, at(path), version);
const kinds = (entries: readonly VersionEntry[]): readonly string[] =>
  entries.map(({ kind, size, current }) => `${kind} ${size}${current ? " current" : ""}`);
/** The name of the content that was there so many contents ago. */
const contentAgo = async (t: Bench, path: string, ago: number): Promise<string> => {
  const entry = (await entriesOf(t, path)).filter(({ kind }) => kind === "write")[ago];
  ok(entry, `'${path}' has an earlier content`);
  return entry.version;
};

const cases: readonly Case[] = [
  {
    name: "tells what was stored at a path, newest first, page by page",
    run: async (t) => {
      const first = await t.put("d/f", "1");
      await t.put("d/f", "22");
      const last = await t.put("d/f", "333");
      const all = await entriesOf(t, "d/f");
      same(kinds(all), ["write 3 current", "write 2", "write 1"], "the versions");
      same([all[0]?.version, all[2]?.version], [last.version, first.version], "their names");
      same([all[0]?.etag, all[2]?.etag], [last.etag, first.etag], "their ETags");
      const page = await pastOf(t.backend).versions(context(), at("d/f"), { limit: 2 });
      same(page.entries, all.slice(0, 2), "the first page");
      const rest = await pastOf(t.backend).versions(context(), at("d/f"), { after: page.next });
      same([rest.entries, rest.next], [all.slice(2), undefined], "the rest");
    },
  },
  {
    name: "reads an earlier content with what was said of it",
    run: async (t) => {
      const options = { ...(t.capability.metadata && { metadata: { n: "1" } }) };
      const { version = "", etag } = await t.put("f", "first", options);
      await t.put("f", "second");
      same(await t.get("f", { version }), "first", "the content");
      same(await t.get("f", { version, range: { start: 1, end: 2 } }), "ir", "a part of it");
      await using read = await t.backend.read(context(), at("f"), { version });
      same([read.stat.etag, read.stat.size], [etag, 5], "its stat");
      if (t.capability.metadata) same(read.stat.metadata, { n: "1" }, "its metadata");
      same(await t.get("f"), "second", "what is read without naming a version");
    },
  },
  {
    name: "keeps the past of what was removed, also with a directory above",
    run: async (t) => {
      await t.plant({ "d/e/f": "content", "d/g": "x" });
      await t.remove("d", { recursive: true });
      same(kinds(await entriesOf(t, "d/e/f")), ["remove 0", "write 7"], "the versions");
      const version = await contentAgo(t, "d/e/f", 0);
      same(await t.get("d/e/f", { version }), "content", "the content");
      const restored = await restore(t, "d/e/f", version);
      ok(restored.created, "what was gone is made");
      await t.expectTree({ "d/e/f": "content" }, "restored with its parents");
    },
  },
  {
    name: "restores as a write does: a new version, the old one replaced",
    run: async (t) => {
      await t.put("f", "one");
      const second = await t.put("f", "second");
      const restored = await restore(t, "f", await contentAgo(t, "f", 1));
      same([restored.created, restored.size], [false, 3], "the answer");
      same(restored.replaced?.size, 6, "what it replaced");
      ok(restored.etag !== second.etag, "another content has another ETag");
      same((await t.stat("f")).etag, restored.etag, "the ETag of what is there");
      same(await t.get("f"), "one", "the content");
      same(
        kinds(await entriesOf(t, "f")),
        ["write 3 current", "write 6", "write 3"],
        "the versions",
      );
    },
  },
  {
    name: "lets the past go with a move, and begin anew with a copy",
    run: async (t) => {
      await t.put("f", "1");
      await t.put("f", "22");
      await t.move("f", "g");
      same(kinds(await entriesOf(t, "g")), ["write 2 current", "write 1"], "what was moved");
      await refuses(entriesOf(t, "f"), "not-found", "where it was");
      await t.copy("g", "h");
      same(kinds(await entriesOf(t, "h")), ["write 2 current"], "the copy");
    },
  },
  {
    name: "refuses what has no such past",
    run: async (t) => {
      await t.plant({ f: "x", "d/g": "x" });
      const version = await contentAgo(t, "f", 0);
      await refuses(entriesOf(t, "none"), "not-found", "versions of what never was");
      await refuses(entriesOf(t, "d"), "is-directory", "versions of a directory");
      await refuses(restore(t, "none", version), "not-found", "another path's version");
      await refuses(restore(t, "d/g", version), "not-found", "another file's version");
      await refuses(restore(t, "f", "nothing"), "not-found", "a version that never was");
      await refuses(restore(t, "d", version), "is-directory", "restoring onto a directory");
      await refuses(restore(t, "f/x", version), "not-directory", "restoring below a file");
      await refuses(t.get("f", { version: "nothing" }), "not-found", "reading none");
      await t.expectTree({ f: "x", "d/g": "x" }, "after what was refused");
    },
  },
  {
    name: "restores nothing that may not be committed",
    needs: ["commitAsked"],
    run: async (t) => {
      await t.put("f", "one");
      await t.put("f", "two");
      const version = await contentAgo(t, "f", 1);
      const before = kinds(await entriesOf(t, "f"));
      const no = new Error("It may not.");
      await rethrows(
        restore(t, "f", version, context({ commit: () => Promise.reject(no) })),
        no,
        "a refused commit",
      );
      same(await t.get("f"), "two", "the content");
      same(kinds(await entriesOf(t, "f")), before, "the versions");
    },
  },
];

/** `Versions`, where a storage declares it. */
export const history: Topic = {
  name: "history",
  cases: cases.map((one) => ({ ...one, needs: ["versions", ...(one.needs ?? [])] })),
};
