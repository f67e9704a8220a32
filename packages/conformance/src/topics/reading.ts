import type { ByteRange } from "@bulkhead/contract";
import { chunksOf } from "@bulkhead/kit";
import { at, context } from "../bench.ts";
import { ok, refuses, same, sameBytes } from "../assert.ts";
import { pattern } from "../bodies.ts";
import type { Case, Topic } from "../case.ts";

/** What a range selects of the ten bytes `0123456789`. */
const ranges: readonly (readonly [string, ByteRange, string, number, number])[] = [
  ["the first byte", { start: 0, end: 0 }, "0", 0, 0],
  ["the middle", { start: 3, end: 6 }, "3456", 3, 6],
  ["the last byte", { start: 9, end: 9 }, "9", 9, 9],
  ["everything from a byte on", { start: 4 }, "456789", 4, 9],
  ["everything", { start: 0 }, "0123456789", 0, 9],
  ["an end beyond the last byte", { start: 7, end: 1000 }, "789", 7, 9],
  ["the last three bytes", { suffix: 3 }, "789", 7, 9],
  ["a suffix as long as the whole", { suffix: 10 }, "0123456789", 0, 9],
  ["a suffix longer than the whole", { suffix: 11 }, "0123456789", 0, 9],
];

const rangeCases: readonly Case[] = ranges.map(([name, range, expected, start, end]) => ({
  name: `reads a range: ${name}`,
  run: async (t) => {
    await t.put("f", "0123456789");
    await using read = await t.backend.read(context(), at("f"), { range });
    same(read.range, { start, end }, "the resolved range");
    same(read.stat.size, 10, "the size of the whole");
    same(await t.get("f", { range }), expected, "the content");
  },
}));

const outside: readonly (readonly [string, string, ByteRange])[] = [
  ["a start behind the last byte", "0123456789", { start: 10 }],
  ["a start and end behind the last byte", "0123456789", { start: 20, end: 30 }],
  ["an end before the start", "0123456789", { start: 5, end: 4 }],
  ["a suffix of nothing", "0123456789", { suffix: 0 }],
  ["the start of an empty file", "", { start: 0 }],
  ["a suffix of an empty file", "", { suffix: 5 }],
];

const outsideCases: readonly Case[] = outside.map(([name, content, range]) => ({
  name: `refuses a range: ${name}`,
  run: async (t) => {
    await t.put("f", content);
    await refuses(t.get("f", { range }), "range-not-satisfiable", "the range");
  },
}));

export const reading: Topic = {
  name: "reading",
  cases: [
    ...rangeCases,
    ...outsideCases,
    {
      name: "stats a file, a directory and the root by their names",
      run: async (t) => {
        await t.plant({ "d/f": "abc" });
        const file = await t.stat("d/f");
        same([file.name, file.kind, file.size], ["f", "file", 3], "the file");
        const directory = await t.stat("d");
        same(
          [directory.name, directory.kind, directory.size, directory.etag],
          ["d", "directory", 0, undefined],
          "the directory",
        );
        const root = await t.stat("");
        same(
          [root.name, root.kind, root.size, root.etag],
          ["", "directory", 0, undefined],
          "the root",
        );
        same(
          (await t.list("")).entries.map((entry) => [entry.name, entry.kind, entry.size]),
          [["d", "directory", 0]],
          "the root's page",
        );
        same(
          (await t.list("d")).entries.map((entry) => [entry.name, entry.kind, entry.size]),
          [["f", "file", 3]],
          "the page",
        );
      },
    },
    ...["missing", "d/missing", "missing/deep/path", "f/below", "d/g/below/deep"].map((path) => ({
      name: `finds nothing at '${path}'`,
      run: async (t: Parameters<Case["run"]>[0]) => {
        await t.plant({ f: "x", "d/g": "y" });
        await refuses(t.stat(path), "not-found", "stat");
        await refuses(t.get(path), "not-found", "read");
        await refuses(
          t.get(path, { ifMatch: "x", range: { start: 99 } }),
          "not-found",
          "a conditional read",
        );
        await refuses(t.list(path), "not-found", "list");
      },
    })),
    {
      name: "refuses to read a directory or the root",
      run: async (t) => {
        await t.plant({ "d/f": "x" });
        await refuses(t.get("d"), "is-directory", "a directory");
        await refuses(t.get(""), "is-directory", "the root");
      },
    },
    {
      name: "reads under ifMatch only the file that it names",
      run: async (t) => {
        const old = (await t.put("f", "one")).etag;
        same(await t.get("f", { ifMatch: old }), "one", "the content");
        const now = (await t.put("f", "two")).etag;
        const error = await refuses(
          t.get("f", { ifMatch: old }),
          "precondition-failed",
          "a stale ETag",
        );
        same(error.fields.etag, now, "the ETag in the refusal");
        same(
          await t.get("f", { ifMatch: now, range: { start: 1 } }),
          "wo",
          "a range under a condition",
        );
      },
    },
    {
      name: "reads an empty file as no bytes",
      run: async (t) => {
        await t.put("f", "");
        sameBytes(await t.bytes("f"), new Uint8Array(), "the content");
      },
    },
    {
      name: "lets a reading go that was never begun, that ended half-way, and that was let go before",
      run: async (t) => {
        await t.put("f", pattern(2_000_000));
        for (let i = 0; i < 20; i++) {
          const unread = await t.backend.read(context(), at("f"));
          await unread[Symbol.asyncDispose]();
          await unread[Symbol.asyncDispose]();
          await using half = await t.backend.read(context(), at("f"));
          for await (const chunk of chunksOf(half.content)) {
            ok(chunk.length > 0, "a chunk is not empty");
            break;
          }
        }
        sameBytes(await t.bytes("f"), pattern(2_000_000), "the content afterwards");
        await t.put("f", "new");
        await t.remove("f");
        await t.expectTree({}, "nothing holds the file");
      },
    },
    {
      name: "ends a reading that was let go half-way with an error, never short",
      run: async (t) => {
        const content = pattern(3_000_000);
        await t.put("f", content);
        const read = await t.backend.read(context(), at("f"));
        let size = 0;
        const drain = async (): Promise<string> => {
          for await (const chunk of chunksOf(read.content)) {
            size += chunk.length;
            await read[Symbol.asyncDispose]();
          }
          return "ended";
        };
        const outcome = await drain().catch(() => "failed");
        ok(outcome === "failed" || size === content.length, "without an error it is whole");
      },
    },
    {
      name: "gives content that the reader may change",
      run: async (t) => {
        await t.put("f", "abc");
        (await t.bytes("f")).fill(0);
        same(await t.get("f"), "abc", "the content");
      },
    },
    ...(
      [
        ["is overwritten", (t) => t.put("f", pattern(2_000_000, 9))],
        ["is removed", (t) => t.remove("f")],
        [
          "is replaced by a move",
          async (t) => (
            await t.put("g", pattern(2_000_000, 9)),
            t.move("g", "f", { mode: "overwrite" })
          ),
        ],
      ] as readonly (readonly [
        string,
        Case["run"] | ((t: Parameters<Case["run"]>[0]) => Promise<unknown>),
      ])[]
    ).map(([name, change]): Case => ({
      name: `reads the old content to its end when the file ${name}`,
      run: async (t) => {
        const before = pattern(2_000_000, 4);
        const { etag } = await t.put("f", before);
        await using read = await t.backend.read(context(), at("f"));
        await using ranged = await t.backend.read(context(), at("f"), { range: { start: 5 } });
        const begun = chunksOf(read.content)[Symbol.asyncIterator]();
        const first = await begun.next();
        await change(t);
        const rest: Uint8Array[] = first.done === true ? [] : [first.value];
        for (let step = await begun.next(); step.done !== true; step = await begun.next())
          rest.push(step.value);
        const late: Uint8Array[] = [];
        for await (const chunk of chunksOf(ranged.content)) late.push(chunk);
        same(read.stat.etag, etag, "the ETag");
        sameBytes(joined(rest), before, "a reading that had begun");
        sameBytes(joined(late), before.subarray(5), "a reading that was only opened");
      },
    })),
  ],
};

const joined = (chunks: readonly Uint8Array[]): Uint8Array => {
  const whole = new Uint8Array(chunks.reduce((size, chunk) => size + chunk.length, 0));
  let offset = 0;
  for (const chunk of chunks) {
    whole.set(chunk, offset);
    offset += chunk.length;
  }
  return whole;
};
