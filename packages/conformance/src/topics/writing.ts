import type { Case, Topic } from "../case.ts";
import { ok, refuses, rethrows, same, sameBytes } from "../assert.ts";
import { sleep } from "../gate.ts";
import { chunked, inChunksOf, pattern } from "../bodies.ts";

/** The same content, however it is cut. */
const cuts: readonly (readonly [string, readonly string[]])[] = [
  ["one chunk", ["hello world"]],
  ["single bytes", "hello world".split("")],
  ["empty chunks between", ["", "hello", "", "", " world", ""]],
];

const cutCases: readonly Case[] = cuts.flatMap(([name, chunks]) =>
  [11, undefined].map((size) => ({
    name: `stores a body in ${name}, its size ${size === undefined ? "unknown" : "declared"}`,
    run: async (t) => {
      const answer = await t.put("f", chunked(chunks, size));
      same([answer.size, answer.created, answer.replaced], [11, true, undefined], "the answer");
      same(await t.get("f"), "hello world", "the content");
      same((await t.stat("f")).size, 11, "the size");
    },
  })),
);

const wrongSizes: readonly (readonly [string, readonly string[], number])[] = [
  ["fewer bytes than declared", ["abc"], 4],
  ["more bytes than declared", ["abc", "de"], 4],
  ["no bytes where some were declared", [], 1],
  ["bytes where none were declared", ["a"], 0],
];

const wrongSizeCases: readonly Case[] = wrongSizes.map(([name, chunks, size]) => ({
  name: `refuses a body of ${name} and keeps what was there`,
  run: async (t) => {
    await t.plant({ f: "old" });
    const body = chunked(chunks, size);
    await refuses(t.put("f", body), "invalid-request", "over a file");
    for (let i = 0; i < 20 && !body.seen.ended; i++) await sleep(20);
    ok(body.seen.ended, "the body is let go");
    await refuses(t.put("d/new", chunked(chunks, size)), "invalid-request", "as a new file");
    await t.expectTree({ f: "old" }, "after both");
  },
}));

export const writing: Topic = {
  name: "writing",
  cases: [
    ...cutCases,
    ...wrongSizeCases,
    {
      name: "stores an empty file",
      run: async (t) => {
        for (const [path, body] of [
          ["a", chunked([], 0)],
          ["b", chunked([])],
          ["c", chunked(["", ""])],
        ] as const) {
          same((await t.put(path, body)).size, 0, `the size of ${path}`);
          same(await t.get(path), "", `the content of ${path}`);
          const stat = await t.stat(path);
          same([stat.kind, stat.size], ["file", 0], `the stat of ${path}`);
          ok(stat.etag, `${path} has an ETag`);
        }
      },
    },
    {
      name: "keeps every byte as it is",
      run: async (t) => {
        const all = Uint8Array.from({ length: 1024 }, (_, i) => (i * 7) % 256);
        await t.put("f", all);
        sameBytes(await t.bytes("f"), all, "the content");
      },
    },
    {
      name: "says what an overwrite replaced",
      run: async (t) => {
        await t.put("f", "12345");
        const answer = await t.put("f", "1234567");
        same([answer.created, answer.size, answer.replaced?.size], [false, 7, 5], "the answer");
        same(await t.get("f"), "1234567", "the content");
        same((await t.put("f", "")).replaced?.size, 7, "what emptying it replaced");
        same((await t.put("f", "1")).replaced?.size, 0, "what filling an empty one replaced");
      },
    },
    {
      name: "replaces long content by short content without a rest",
      run: async (t) => {
        await t.put("f", pattern(300_000));
        await t.put("f", "short");
        same(await t.get("f"), "short", "the content");
      },
    },
    {
      name: "makes missing parents",
      run: async (t) => {
        await t.put("a/b/c/f", "x");
        await t.expectTree({ "a/b/c/f": "x" }, "after the write");
        same((await t.stat("a/b")).kind, "directory", "the kind of a parent");
      },
    },
    {
      name: "keeps the neighbours as they are",
      run: async (t) => {
        await t.plant({ "d/a": "1", "d/b": "2", e: "3" });
        await t.put("d/a", "new");
        await t.expectTree({ "d/a": "new", "d/b": "2", e: "3" }, "after the write");
      },
    },
    {
      name: "refuses to write onto a directory or the root",
      run: async (t) => {
        await t.plant({ "d/f": "x" });
        for (const path of ["d", ""]) {
          await refuses(t.put(path, "y"), "is-directory", `overwriting '${path}'`);
          await refuses(
            t.put(path, "y", { mode: "create" }),
            "already-exists",
            `creating '${path}'`,
          );
          await refuses(
            t.put(path, "y", { mode: { ifMatch: "z" } }),
            "is-directory",
            `conditionally on '${path}'`,
          );
        }
        await t.expectTree({ "d/f": "x" }, "after the refusals");
      },
    },
    {
      name: "refuses to write below a file, however deep",
      run: async (t) => {
        await t.plant({ f: "x", "d/g": "y" });
        for (const path of ["f/a", "f/a/b/c", "d/g/h"]) {
          await refuses(t.put(path, "z"), "not-directory", `overwriting '${path}'`);
          await refuses(
            t.put(path, "z", { mode: "create" }),
            "not-directory",
            `creating '${path}'`,
          );
        }
        await t.expectTree({ f: "x", "d/g": "y" }, "after the refusals");
      },
    },
    {
      name: "rethrows the error of a body as it is and changes nothing",
      run: async (t) => {
        await t.plant({ f: "old" });
        const fault = new Error("the sender went away");
        const broken = () => chunked(["some", () => Promise.reject(fault), "more"]);
        await rethrows(t.put("f", broken()), fault, "over a file");
        await rethrows(t.put("d/e/new", broken()), fault, "as a new file");
        await t.expectTree({ f: "old" }, "after both");
      },
    },
    {
      name: "rethrows the error of a body that fails to open or at its first byte",
      run: async (t) => {
        const fault = new Error("nothing to send");
        const unopened = {
          size: 3,
          replayable: true,
          open: () => {
            throw fault;
          },
        };
        await rethrows(t.put("f", unopened), fault, "failing to open");
        await rethrows(
          t.put("f", chunked([() => Promise.reject(fault)])),
          fault,
          "failing at once",
        );
        await t.expectTree({}, "after both");
      },
    },
    {
      name: "copies what it is given: the sender may use its buffer again",
      run: async (t) => {
        const buffer = new Uint8Array(4);
        async function* reused() {
          for (let i = 0; i < 5; i++) {
            buffer.fill(97 + i);
            yield buffer;
          }
          buffer.fill(0);
        }
        await t.put("f", { size: 20, replayable: false, open: reused });
        same(await t.get("f"), "aaaabbbbccccddddeeee", "the content");
      },
    },
    {
      name: "opens a body once and lets it go",
      run: async (t) => {
        let opened = 0;
        const inner = chunked(["abc"], 3);
        await t.put("f", { ...inner, open: () => (opened++, inner.open()) });
        same([opened, inner.seen.ended], [1, true], "opened, and ended");
      },
    },
    ...(
      [
        ["a megabyte in odd chunks", 1_048_577, [1, 65_537, 13, 4099]],
        ["five megabytes in chunks of 64 KiB", 5 * 1_048_576 + 11, [65_536]],
        ["three megabytes in one chunk", 3 * 1_048_576, [3 * 1_048_576]],
      ] as const
    ).map(([name, length, sizes]) => ({
      name: `keeps ${name}`,
      run: async (t: Parameters<Case["run"]>[0]) => {
        const bytes = pattern(length, length);
        const answer = await t.put("large", chunked(inChunksOf(bytes, sizes)));
        same(answer.size, length, "the size");
        sameBytes(await t.bytes("large"), bytes, "the content");
        sameBytes(
          await t.bytes("large", { range: { start: length - 70_000, end: length - 2 } }),
          bytes.subarray(length - 70_000, length - 1),
          "a range",
        );
      },
    })),
    {
      name: "tells nothing of what it wrote that a look does not tell",
      run: async (t) => {
        const sent = { contentType: "text/x-own" };
        for (const options of [sent, {}]) {
          const answer = await t.put("d/f.txt", "content", options);
          const told = { ...answer.times, contentType: answer.contentType };
          const seen: Readonly<Record<string, unknown>> = { ...(await t.stat("d/f.txt")) };
          for (const [name, value] of Object.entries(told))
            if (value !== undefined) same(seen[name], value, name);
          same(seen["etag"], answer.etag, "the ETag");
        }
      },
    },
    {
      name: "keeps a hundred small files apart",
      run: async (t) => {
        const names = Array.from({ length: 100 }, (_, i) => `d${i % 7}/f${i}`);
        await Promise.all(names.map((name) => t.put(name, name)));
        await t.expectTree(
          Object.fromEntries(names.map((name) => [name, name])),
          "after all writes",
        );
      },
    },
  ],
};
