import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { globLimits, parseGlob } from "./glob-pattern.ts";
import { globMatches } from "./glob.ts";

/** What a pattern matches, by trying everything: braces first, then segments, then characters. */
const expand = (pattern: string): readonly string[] => {
  const open = /^(.*?)\{([^{}]*)\}(.*)$/.exec(pattern);
  if (open === null) return [pattern];
  const [, before = "", inside = "", after = ""] = open;
  return inside.split(",").flatMap((option) => expand(before + option + after));
};
const nameMatches = (pattern: string, name: string): boolean => {
  if (pattern === "") return name === "";
  const [first, rest] = [pattern[0] ?? "", pattern.slice(1)];
  if (first === "*")
    return nameMatches(rest, name) || (name !== "" && nameMatches(pattern, name.slice(1)));
  if (name === "") return false;
  if (first === "?") return nameMatches(rest, name.slice(1));
  if (first !== "[") return first === name[0] && nameMatches(rest, name.slice(1));
  const end = pattern.indexOf("]", 2);
  const inside = pattern.slice(1, end);
  const member = inside.replace("!", "").includes(name[0] ?? "") !== inside.startsWith("!");
  return member && nameMatches(pattern.slice(end + 1), name.slice(1));
};
const segmentsMatch = (pattern: readonly string[], names: readonly string[]): boolean => {
  const [first, ...rest] = pattern;
  if (first === undefined) return names.length === 0;
  if (first === "**")
    return (
      names.length > 0 &&
      (rest.length === 0 || segmentsMatch(pattern, names.slice(1)) || segmentsMatch(rest, names))
    );
  const [name, ...more] = names;
  return name !== undefined && nameMatches(first, name) && segmentsMatch(rest, more);
};
const naive = (pattern: string, names: readonly string[]): boolean =>
  expand(pattern).some((one) => segmentsMatch(one.split("/"), names));

const piece = fc.constantFrom("a", "b", ".", "*", "?", "[ab]", "[!a]", "{a,b.}", "{a*,?}");
const segment = fc.oneof(
  {
    weight: 4,
    arbitrary: fc
      .array(piece, { minLength: 1, maxLength: 4 })
      .map((all) => all.join(""))
      .filter((text) => !/^\*+$|^\.+$/.test(text)),
  },
  { weight: 2, arbitrary: fc.constant("**") },
  { weight: 1, arbitrary: fc.constantFrom("*", "{a,a/b}", "{**,b}") },
);
const pattern = fc.array(segment, { minLength: 1, maxLength: 4 }).map((all) => all.join("/"));
const names = fc.array(
  fc.string({ unit: fc.constantFrom("a", "b", "."), minLength: 1, maxLength: 3 }),
  { minLength: 1, maxLength: 4 },
);

const refused = expect.objectContaining({ code: "invalid-request" });

describe("glob patterns", () => {
  it("match as by trying everything", () => {
    let matched = 0;
    fc.assert(
      fc.property(pattern, names, (text, path) => {
        // A literal "." or ".." from braces is refused, and no name.
        const all = expand(text);
        // Beyond the limits a pattern is refused, which another test shows.
        if (all.length > 200 || all.join("").length > 2000) return;
        if (all.some((one) => one.split("/").some((s) => s === "." || s === ".."))) return;
        const expected = naive(text, path);
        if (expected) matched += 1;
        expect(globMatches(text, path), `${text} on ${path.join("/")}`).toBe(expected);
      }),
      { numRuns: 4000 },
    );
    expect(matched).toBeGreaterThan(200);
  });

  it("mean what is written", () => {
    const yes = [
      ["*.txt", "a.txt"],
      ["*", ".hidden"],
      ["**", "a/b/c"],
      ["**/x", "x"],
      ["**/x", "a/b/x"],
      ["a/**/z", "a/z"],
      ["a/**", "a/b"],
    ];
    yes.push(
      ["a?c", "a😀c"],
      ["[α-ω]", "λ"],
      ["[]a]", "]"],
      ["[a-]", "-"],
      ["[\\]]", "]"],
      ["\\*", "*"],
      ["\\{a,b}", "{a,b}"],
      ["{a,{b,c}}d", "cd"],
    );
    yes.push(
      ["a}", "a}"],
      ["a,b", "a,b"],
      ["{a/b,c}/d", "a/b/d"],
      ["{,x}a", "a"],
      ["a.b+(c)|$^", "a.b+(c)|$^"],
      ["**a", "xa"],
      ["[^/]", "a"],
      ["**/**", "a"],
    );
    for (const [text = "", path = ""] of yes)
      expect(globMatches(text, path.split("/")), `${text} ${path}`).toBe(true);
    const no = [
      ["*.txt", "a/b.txt"],
      ["*.txt", "aXtxt"],
      ["a/**", "a"],
      ["?", "ab"],
      ["[!a]", "a"],
      ["\\*", "a"],
      ["a/*", "a/b/c"],
      ["A", "a"],
      ["é", "e\u0301"],
      ["**/x", "a/b/xx"],
    ];
    for (const [text = "", path = ""] of no)
      expect(globMatches(text, path.split("/")), `${text} ${path}`).toBe(false);
  });

  it("are refused where they are malformed or too large", () => {
    const bad = [
      "",
      "/a",
      "a/",
      "a//b",
      "[a",
      "[",
      "[]",
      "{a",
      "{a,{b}",
      "a\\",
      "\\/",
      "[z-a]",
      ".",
      "a/..",
      "{a,.}",
      "\ud800",
      "{,}",
    ];
    for (const text of bad) expect(() => parseGlob(text), text).toThrow(refused);
    expect(() => parseGlob("a".repeat(globLimits.length))).not.toThrow();
    expect(() => parseGlob("a".repeat(globLimits.length + 1))).toThrow(refused);
    expect(parseGlob("{a,b}".repeat(8))).toHaveLength(256);
    expect(() => parseGlob("{a,b}".repeat(9))).toThrow(refused);
    expect(() => parseGlob("{a,b}".repeat(200))).toThrow(refused);
    expect(() => parseGlob(`${"{".repeat(500)}a${"}".repeat(500)}`)).not.toThrow();
  });

  it("stay linear on what makes a backtracking matcher explode", () => {
    const name = `${"a".repeat(250)}b`;
    const path = Array.from({ length: 60 }, () => "a");
    for (const text of [`${"*a".repeat(60)}`, `${"*".repeat(200)}c`, `${"*?".repeat(100)}c`])
      expect(globMatches(text, [name])).toBe(false);
    expect(globMatches(`${"**/a/".repeat(30)}b`, path)).toBe(false);
  });
});
