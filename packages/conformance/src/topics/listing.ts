import { refuses, same } from "../assert.ts";
import type { Bench, TreeShape } from "../bench.ts";
import type { Case, Topic } from "../case.ts";

/** Sort keys in the order of every listing: UTF-8 bytes, a directory as `name/`. */
const orders: readonly (readonly [string, readonly string[]])[] = [
  ["a file between its neighbours in ASCII", ["A", "Z", "_", "a", "b"]],
  ["a directory as if its name ended in a slash", ["a!", "a-", "a.txt", "a/", "a0", "ab"]],
  ["a name before what it begins", ["a", "a ", "a!", "aa", "aaa/", "b"]],
  ["digits as text", ["1", "10", "2"]],
  [
    "surrogates behind U+E000 to U+FFFF",
    ["z", "é", "ﬀ", "\u{fffd}", "\u{10000}", "😀", "\u{10fffe}"],
  ],
  ["directories beyond U+FFFF", ["\u{e000}/", "\u{e001}", "\u{ffee}/", "\u{1f600}/", "\u{1f601}"]],
  [
    "a longer name behind the shorter",
    ["\u{e000}", "\u{e000}\u{1f600}", "\u{1f600}", "\u{1f600}\u{e000}"],
  ],
];

const shapeOf = (keys: readonly string[]): TreeShape =>
  Object.fromEntries(
    keys.toReversed().map((key) => (key.endsWith("/") ? [`${key}f`, "x"] : [key, "x"])),
  );

const orderCases: readonly Case[] = orders.flatMap(([name, keys]) =>
  ["", "d"].map((under) => ({
    name: `orders ${name}, in ${under === "" ? "the root" : "a directory"}`,
    run: async (t) => {
      for (const [path, content] of Object.entries(shapeOf(keys)))
        await t.put(under === "" ? path : `${under}/${path}`, content);
      same(await t.keys(under), keys, "one page");
      for (const limit of [1, 2, keys.length - 1, keys.length])
        same(await t.keys(under, limit), keys, `pages of ${limit}`);
    },
  })),
);

/** Where `after` begins, among a, b, b/ is never beside b, d/, e. */
const afters: readonly (readonly [string, readonly string[]])[] = [
  ["", ["a", "b", "d/", "e"]],
  ["a", ["b", "d/", "e"]],
  ["a/", ["b", "d/", "e"]],
  ["aa", ["b", "d/", "e"]],
  ["d", ["d/", "e"]],
  ["d.", ["d/", "e"]],
  ["d/", ["e"]],
  ["d0", ["e"]],
  ["d/f", ["e"]],
  ["e", []],
  ["\u{10fffe}", []],
  ["../x", ["a", "b", "d/", "e"]],
];

const planted: TreeShape = { a: "1", b: "2", "d/f": "3", e: "4" };
const page = async (t: Bench, after: string): Promise<readonly string[]> =>
  (await t.list("", { after })).entries.map((entry) =>
    entry.kind === "directory" ? `${entry.name}/` : entry.name,
  );

export const listing: Topic = {
  name: "listing",
  cases: [
    ...orderCases,
    ...afters.map(([after, expected]): Case => ({
      name: `continues after ${JSON.stringify(after)}`,
      run: async (t) => {
        await t.plant(planted);
        same(await page(t, after), expected, "the page");
      },
    })),
    {
      name: "answers next only where more follows",
      run: async (t) => {
        await t.plant(planted);
        same((await t.list("", { limit: 4 })).next, undefined, "next of an exact page");
        same((await t.list("", { limit: 5 })).next, undefined, "next of a page with room");
        same(
          (await t.list("", { limit: 3 })).next,
          "d/",
          "next of a page that ends in a directory",
        );
        same(
          (await t.list("", { limit: 1, after: "d/" })).next,
          undefined,
          "next of the last page",
        );
        same((await t.list("")).entries.length, 4, "a page by default");
      },
    },
    ...[0, -1, 1.5, 1001, Number.NaN, Number.POSITIVE_INFINITY].map((limit): Case => ({
      name: `refuses a page of ${limit}`,
      run: async (t) => void (await refuses(t.list("", { limit }), "invalid-request", "the page")),
    })),
    {
      name: "lists an empty root",
      run: async (t) => same(await t.list(""), { entries: [] }, "the page"),
    },
    {
      name: "refuses to list a file",
      run: async (t) => {
        await t.plant({ "d/f": "x" });
        await refuses(t.list("d/f"), "not-directory", "the file");
      },
    },
    {
      name: "lists only what is directly inside",
      run: async (t) => {
        await t.plant({ "d/a/b/c": "1", "d/e": "2", "dd/f": "3", "d!": "4" });
        same(await t.keys("d"), ["a/", "e"], "the directory");
        same(await t.keys(""), ["d!", "d/", "dd/"], "the root");
      },
    },
    {
      name: "goes through more than a thousand entries",
      run: async (t) => {
        const names = Array.from({ length: 1005 }, (_, i) => `f${String(i).padStart(4, "0")}`);
        for (let i = 0; i < names.length; i += 67)
          await Promise.all(names.slice(i, i + 67).map((name) => t.put(`d/${name}`, "")));
        const first = await t.list("d");
        same([first.entries.length, first.next], [1000, "f0999"], "the first page");
        same(await t.keys("d"), names, "all pages");
        same(await t.keys("d", 100), names, "pages of 100");
      },
    },
    {
      name: "shows what stays exactly once while others come and go",
      run: async (t) => {
        const staying = Array.from({ length: 40 }, (_, i) => `m${String(i).padStart(2, "0")}`);
        const going = staying.map((name) => `${name}-going`);
        for (const name of [...staying, ...going]) await t.put(`d/${name}`, "x");
        const seen: string[] = [];
        let after: string | undefined;
        for (let i = 0; ; i++) {
          const part = await t.list("d", { limit: 7, ...(after !== undefined && { after }) });
          seen.push(...part.entries.map((entry) => entry.name));
          after = part.next;
          if (after === undefined) break;
          // What the continuation names goes, what is behind and before it changes.
          await t.remove(`d/${after}`).catch(() => undefined);
          if (staying.includes(after)) await t.put(`d/${after}`, "again");
          await t.put(`d/a${i}`, "before");
          await t.put(`d/${staying[i]}`, "overwritten");
        }
        same(
          seen.filter((name) => staying.includes(name)),
          staying,
          "what stays",
        );
        same(seen.length, new Set(seen).size, "no entry twice");
      },
    },
  ],
};
