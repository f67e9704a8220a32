import { nameFault, pathLimits, utf8Length } from "@bulkhead/contract";
import { compareUtf8 } from "@bulkhead/kit";
import { refuses, same } from "../assert.ts";
import type { Bench } from "../bench.ts";
import type { Case, Topic } from "../case.ts";

const from = (first: number, last: number): readonly string[] =>
  Array.from({ length: last - first + 1 }, (_, i) => String.fromCodePoint(first + i));

/** Names that some storage, shell or library treats as special. */
const odd: Readonly<Record<string, readonly string[]>> = {
  "of ASCII punctuation": from(0x20, 0x7e).filter((c) => !/[a-z0-9/\\.]/i.test(c)),
  "with ASCII punctuation inside": from(0x20, 0x7e)
    .filter((c) => !/[a-z0-9/\\]/i.test(c))
    .map((c) => `a${c}b`),
  "of dots": [
    "...",
    "....",
    "a.",
    "a..",
    ".a",
    "..a",
    ".hidden",
    "a.b.c",
    ".bulkheads",
    "x.bulkhead",
  ],
  "of spaces": [
    " ",
    "  ",
    " a",
    "a ",
    "a b",
    "a  b",
    "\u00a0",
    "\u2003x",
    "\u3000",
    "\ufeffa",
    "\u200b",
  ],
  "of percent-escapes": ["%", "%2e", "%2e%2e", "%2F", "a%2fb", "%00", "%25", "%zz", "+", "a+b"],
  "of device names": [
    "con",
    "CON.txt",
    "nul",
    "aux",
    "com1",
    "lpt1",
    "desktop.ini",
    "Thumbs.db",
    "~$a",
    "a:b",
    "C:",
  ],
  "of options and patterns": [
    "-rf",
    "--",
    "*",
    "?",
    "[a]",
    "{a,b}",
    "!",
    "$HOME",
    "`id`",
    "$(id)",
    ";",
    "|",
    "&&",
    "#",
    "~",
  ],
  "of quotes": ["'", '"', "''", `"'"`, "a'b", 'a"b', "<a>", "&amp;", "';--"],
  "of property names": [
    "__proto__",
    "constructor",
    "prototype",
    "hasOwnProperty",
    "toString",
    "length",
    "undefined",
    "null",
    "0",
    "-1",
  ],
  "in other scripts": [
    "ελληνικά",
    "русский",
    "中文",
    "日本語",
    "한국어",
    "हिन्दी",
    "ไทย",
    "עברית",
    "العربية",
    "\u202eabc",
    "a\u200fb",
  ],
  "beyond U+FFFF": ["😀", "👩‍👩‍👧", "🏳️‍🌈", "𝒳", "\u{20000}", "\u{e0041}", "\u{10fffe}", "a😀b"],
  "with combining marks": ["e\u0301", "\u0301", "a\u0308\u0323", "\u1100\u1161", "q\u0307\u0323"],
  "of non-characters": ["\ufffe", "\uffff", "\ufdd0", "\ufffd", "\ue000", "\u2028", "\u2029"],
};

/** Names that fold or normalise into each other. */
const alike: Readonly<Record<string, readonly string[]>> = {
  case: ["a", "A", "straße", "STRASSE", "ı", "i", "I", "İ", "ſ", "s", "S", "K", "k", "\u212a"],
  normalisation: [
    "\u00e9",
    "e\u0301",
    "\u212b",
    "\u00c5",
    "A\u030a",
    "\uac00",
    "\u1100\u1161",
    "ﬁ",
    "fi",
    "①",
    "1",
  ],
};

const chunk = <T>(all: readonly T[], size: number): readonly (readonly T[])[] =>
  Array.from({ length: Math.ceil(all.length / size) }, (_, i) =>
    all.slice(i * size, (i + 1) * size),
  );

/** Stores files of these names, and their like as directories, and looks at them every way there is. */
const roundTrip = async (t: Bench, names: readonly string[]): Promise<void> => {
  for (const [i, name] of names.entries()) {
    await t.put(`files/${name}`, `file ${i}`);
    await t.put(`directories/${name}/${name}`, `inner ${i}`);
    await t.put(name, `root ${i}`);
  }
  const inOrder = names.toSorted(compareUtf8);
  same(await t.keys("files"), inOrder, "the listing of files");
  same(await t.keys("files", 3), inOrder, "the listing in pages of 3");
  same(
    await t.keys("directories"),
    inOrder.map((name) => `${name}/`).toSorted(compareUtf8),
    "the listing of directories",
  );
  for (const [i, name] of names.entries()) {
    same((await t.stat(`files/${name}`)).name, name, "the name in a stat");
    same(await t.get(`files/${name}`), `file ${i}`, `content of ${JSON.stringify(name)}`);
    same(
      await t.get(`directories/${name}/${name}`),
      `inner ${i}`,
      `inner content of ${JSON.stringify(name)}`,
    );
    same(await t.get(name), `root ${i}`, `content in the root of ${JSON.stringify(name)}`);
    await t.move(`files/${name}`, `moved/${name}`);
    await t.copy(`moved/${name}`, `copied/${name}`);
    await t.remove(`directories/${name}`, { recursive: true });
  }
  same(await t.keys("moved"), inOrder, "the listing after moving");
  same(await t.keys("copied"), inOrder, "the listing after copying");
};

const legal = (code: number): string | undefined => {
  const character = String.fromCodePoint(code);
  return nameFault(`${character}x`) === undefined ? character : undefined;
};

/** Every legal character of a part of Unicode, many to a name: a storage that changes one changes the name. */
const characters = async (t: Bench, first: number, last: number, step: number): Promise<void> => {
  const all: string[] = [];
  for (let code = first; code <= last; code += step) {
    const one = code >= 0xd800 && code <= 0xdfff ? undefined : legal(code);
    if (one !== undefined) all.push(one);
  }
  const names = chunk(all, 50).map((part, i) => `${i}x${part.join("")}x`);
  for (const name of names) await t.put(`d/${name}`, name);
  same(await t.keys("d"), names.toSorted(compareUtf8), "the listing");
  for (const name of names) same(await t.get(`d/${name}`), name, "the content");
};

const planes: readonly (readonly [string, number, number, number])[] = [
  ["U+0020 to U+07FF", 0x20, 0x7ff, 1],
  ["U+0800 to U+1FFF", 0x800, 0x1fff, 1],
  ["U+2000 to U+2FFF", 0x2000, 0x2fff, 1],
  ["U+3000 to U+D7FF, one in eleven", 0x3000, 0xd7ff, 11],
  ["U+E000 to U+FFFF, one in three", 0xe000, 0xffff, 3],
  ["U+10000 to U+10FFFF, one in 251", 0x10000, 0x10ffff, 251],
];

/** The longest name of that character. */
const longest = (character: string): string => {
  const size = utf8Length(character);
  const count = Math.floor(pathLimits.nameBytes / size);
  return character.repeat(count) + "x".repeat(pathLimits.nameBytes - count * size);
};

const longestPath = (bytes: number, name: string): string => {
  let path = name;
  while (utf8Length(path) + 1 + utf8Length(name) <= bytes) path = `${path}/${name}`;
  const rest = bytes - utf8Length(path) - 1;
  return rest > 0 ? `${path}/${"z".repeat(rest)}` : path;
};

export const naming: Topic = {
  name: "naming",
  cases: [
    ...Object.entries(odd).map(([name, names]): Case => ({
      name: `keeps names ${name}`,
      run: (t) => roundTrip(t, names),
    })),
    ...Object.entries(alike).map(([name, names]): Case => ({
      name: `keeps names apart that differ only in ${name}`,
      needs: ["distinctSpellings"],
      run: (t) => roundTrip(t, names),
    })),
    ...Object.entries(alike).map(([name, names]): Case => ({
      name: `never takes one file for another whose name differs in ${name}`,
      run: async (t) => {
        const first = names[0] ?? "";
        await t.put(`d/${first}`, "first");
        for (const other of names.slice(1)) {
          await refuses(t.stat(`d/${other}`), "not-found", `stat of ${JSON.stringify(other)}`);
          await refuses(t.get(`d/${other}`), "not-found", `read of ${JSON.stringify(other)}`);
          await refuses(t.remove(`d/${other}`), "not-found", `remove of ${JSON.stringify(other)}`);
        }
        await t.expectTree({ [`d/${first}`]: "first" }, "afterwards");
      },
    })),
    ...planes.map(([name, first, last, step]): Case => ({
      name: `keeps every legal character, ${name}`,
      needs: ["distinctSpellings"],
      run: (t) => characters(t, first, last, step),
    })),
    ...["x", "é", "中", "😀"].map((character): Case => ({
      name: `keeps names of ${pathLimits.nameBytes} bytes, of '${character}'`,
      run: (t) => roundTrip(t, [longest(character), longest(character).slice(0, -1) + "y"]),
    })),
    ...[
      [
        "of single letters, as deep as it goes",
        (bytes: number) =>
          Array.from({ length: Math.min(pathLimits.depth, (bytes + 1) >> 1) }, () => "d").join("/"),
      ],
      ["of long names", (bytes: number) => longestPath(bytes, "x".repeat(200))],
      [
        "of names of three bytes a character",
        (bytes: number) => longestPath(bytes, "中".repeat(60)),
      ],
    ].map(([name, make]): Case => ({
      name: `keeps the longest path ${String(name)}`,
      run: async (t) => {
        const path =
          typeof make === "function"
            ? make(Math.min(t.capability.maxPathBytes, pathLimits.pathBytes))
            : "";
        await t.put(path, "deep");
        await t.expectTree({ [path]: "deep" }, "after the write");
        await t.move(path, "shallow");
        await t.copy("shallow", path);
        same(await t.get(path), "deep", "the content after moving there and back");
        await t.remove(path.slice(0, path.indexOf("/")), { recursive: true });
        await t.expectTree({ shallow: "deep" }, "after the removal");
      },
    })),
  ],
};
