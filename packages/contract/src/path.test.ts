import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { isFileError } from "./error.ts";
import {
  child,
  encodePath,
  isRoot,
  isUnder,
  nameFault,
  nameOf,
  parent,
  parseBackendPath,
  parseEncodedPath,
  parseRequestPath,
  parseVirtualPath,
  segmentsBelow,
  segmentsOf,
  utf8Length,
} from "./path.ts";

const refuses = (parse: () => unknown): boolean => {
  try {
    parse();
    return false;
  } catch (error) {
    return isFileError(error, "invalid-path");
  }
};

const name = fc
  .string({ unit: "binary", minLength: 1, maxLength: 20 })
  .filter((text) => nameFault(text) === undefined);
const names = fc.array(name, { maxLength: 6 });
const absolute = names.map((all) => parseRequestPath(`/${all.join("/")}`));

describe("the parser", () => {
  it("keeps every legal path as it is, whether it came escaped or not", () => {
    fc.assert(
      fc.property(absolute, (path) => {
        expect(parseEncodedPath(encodePath(path))).toBe(path);
        expect(parseVirtualPath(path)).toBe(path);
        expect(parseBackendPath(path.slice(1).replace(/^\.bulkhead(?=\/|$)/, "x"))).toBeTypeOf(
          "string",
        );
      }),
      { numRuns: 1000 },
    );
  });

  it("decodes once", () => {
    expect(parseEncodedPath("/%2561")).toBe("/%61");
    expect(parseEncodedPath("/%252e%252e")).toBe("/%2e%2e");
    expect(parseEncodedPath("/a%20b/%C3%A9+")).toBe("/a b/é+");
    expect(parseRequestPath("/%2e%2e")).toBe("/%2e%2e");
  });

  it("takes odd names literally", () => {
    const odd = [
      "...",
      ". ",
      "..;",
      " ",
      "~",
      "*",
      "?",
      "#",
      "&",
      "e\u0301",
      "é",
      ".bulkhead",
      "con",
      "a:b",
      "\ufffd",
      "😀",
      "\u2028",
      "a.",
    ];
    for (const text of odd) {
      expect(parseRequestPath(`/${text}`)).toBe(`/${text}`);
      expect(parseEncodedPath(`/${encodeURIComponent(text)}`)).toBe(`/${text}`);
    }
    expect(parseRequestPath("/")).toBe("/");
    expect(parseBackendPath("")).toBe("");
  });

  it("refuses what is no path", () => {
    const bad = [
      "",
      "a",
      "//",
      "//a",
      "/a/",
      "/a//b",
      "/.",
      "/..",
      "/a/../b",
      "/a/.",
      "/\\",
      "/a\\b",
      "/\u0000",
      "/\u001f",
    ];
    bad.push("/\u007f", "/\u0080", "/\u009f", "/\ud800", "/\udc00x", "/\u{10ffff}", "/a\nb", " /a");
    for (const raw of bad) {
      expect(
        refuses(() => parseRequestPath(raw)),
        JSON.stringify(raw),
      ).toBe(true);
      expect(
        refuses(() => parseVirtualPath(raw)),
        JSON.stringify(raw),
      ).toBe(true);
    }
    const encoded = [
      "/%2e",
      "/%2E%2e",
      "/a%2fb",
      "/a%2Fb",
      "/%5c",
      "/%00",
      "/%",
      "/%4",
      "/%zz",
      "/%c0%ae",
      "/%ff",
      "/%ed%a0%80",
      "/a/%2e%2e/b",
      "%2fa",
      "/%f4%8f%bf%bf",
    ];
    for (const raw of encoded)
      expect(
        refuses(() => parseEncodedPath(raw)),
        raw,
      ).toBe(true);
    for (const raw of ["/a", "a/", "a//b", "..", ".bulkhead", ".bulkhead/x"])
      expect(
        refuses(() => parseBackendPath(raw)),
        raw,
      ).toBe(true);
    expect(parseBackendPath("a/.bulkhead")).toBe("a/.bulkhead");
    expect(parseBackendPath(".bulkheads")).toBe(".bulkheads");
  });

  it("bounds bytes and depth exactly", () => {
    expect(refuses(() => parseRequestPath(`/${"n".repeat(255)}`))).toBe(false);
    expect(refuses(() => parseRequestPath(`/${"n".repeat(256)}`))).toBe(true);
    expect(refuses(() => parseRequestPath(`/${"é".repeat(127)}`))).toBe(false);
    expect(refuses(() => parseRequestPath(`/${"é".repeat(128)}`))).toBe(true);
    expect(refuses(() => parseRequestPath("/a".repeat(64)))).toBe(false);
    expect(refuses(() => parseRequestPath("/a".repeat(65)))).toBe(true);
    const full = `${`/${"n".repeat(255)}`.repeat(4)}`;
    expect(refuses(() => parseRequestPath(full))).toBe(false);
    expect(refuses(() => parseRequestPath(`${full}/`))).toBe(true);
    expect(refuses(() => parseRequestPath(`${full}/a`))).toBe(true);
    // The longest path stays legal when every byte of it is escaped.
    const escaped = full.replaceAll("n", "%6e");
    expect(escaped.length).toBeLessThanOrEqual(3 * 1024);
    expect(parseEncodedPath(escaped)).toBe(full);
    expect(refuses(() => parseEncodedPath(`/${"%61".repeat(1024)}`))).toBe(true);
  });

  it("never lets a parsed path break the rules", () => {
    const raw = fc.string({
      unit: fc.constantFrom("/", ".", "a", "%", "2", "e", "f", "\\", "\u0000", "\ud800"),
      maxLength: 12,
    });
    fc.assert(
      fc.property(raw, (text) => {
        for (const parse of [parseRequestPath, parseEncodedPath]) {
          let path: string;
          try {
            path = parse(text);
          } catch (error) {
            expect(isFileError(error, "invalid-path")).toBe(true);
            continue;
          }
          expect(path).toMatch(/^\/(?:[^/\\\0]+(?:\/[^/\\\0]+)*)?$/);
          expect(path.split("/")).not.toContain("..");
          expect(path.split("/")).not.toContain(".");
        }
      }),
      { numRuns: 2000 },
    );
  });
});

describe("what a path is made of", () => {
  it("comes apart and together again", () => {
    fc.assert(
      fc.property(names, name, (all, last) => {
        const base = parseVirtualPath(`/${all.join("/")}`);
        const path = child(base, last);
        expect(segmentsOf(path)).toEqual([...all, last]);
        expect(parent(path)).toBe(base);
        expect(nameOf(path)).toBe(last);
        expect(isUnder(base, path)).toBe(true);
        expect(isUnder(path, base)).toBe(false);
        expect(segmentsBelow(base, path)).toEqual([last]);
        expect(all.reduce(child, parseVirtualPath("/"))).toBe(base);
      }),
    );
  });

  it("works from each root", () => {
    const [root, inner] = [parseVirtualPath("/"), parseBackendPath("")];
    expect([isRoot(root), isRoot(inner), parent(root), parent(inner)]).toEqual([
      true,
      true,
      undefined,
      undefined,
    ]);
    expect([nameOf(root), nameOf(inner), segmentsOf(root), segmentsOf(inner)]).toEqual([
      "",
      "",
      [],
      [],
    ]);
    expect([child(root, "a"), child(inner, "a"), child(child(inner, "a"), "b")]).toEqual([
      "/a",
      "a",
      "a/b",
    ]);
    expect([parent(child(root, "a")), parent(child(inner, "a"))]).toEqual(["/", ""]);
    expect(refuses(() => child(inner, ".bulkhead"))).toBe(true);
    expect(child(root, ".bulkhead")).toBe("/.bulkhead");
    for (const bad of ["", ".", "..", "a/b", "\0"])
      expect(
        refuses(() => child(root, bad)),
        bad,
      ).toBe(true);
    expect(refuses(() => child(parseVirtualPath("/a".repeat(64)), "b"))).toBe(true);
    expect(refuses(() => child(parseVirtualPath(`/${"n".repeat(255)}`.repeat(4)), "b"))).toBe(true);
  });

  it("judges what lies under what by whole segments", () => {
    const under = (base: string, path: string): boolean =>
      isUnder(parseVirtualPath(base), parseVirtualPath(path));
    expect(under("/tenant-a", "/tenant-a")).toBe(true);
    expect(under("/tenant-a", "/tenant-a/x")).toBe(true);
    for (const path of [
      "/tenant-ab",
      "/tenant-ab/x",
      "/tenant-a.x",
      "/tenant_a",
      "/tenant-",
      "/x/tenant-a",
      "/",
    ])
      expect(under("/tenant-a", path), path).toBe(false);
    expect(under("/", "/anything")).toBe(true);
    expect(isUnder(parseBackendPath(""), parseBackendPath("a"))).toBe(true);
    expect(isUnder(parseBackendPath("a"), parseBackendPath("ab"))).toBe(false);
    expect(segmentsBelow(parseVirtualPath("/a"), parseVirtualPath("/ab"))).toBeUndefined();
    fc.assert(
      fc.property(names, names, (a, b) => {
        const [base, path] = [
          parseVirtualPath(`/${a.join("/")}`),
          parseVirtualPath(`/${b.join("/")}`),
        ];
        expect(isUnder(base, path)).toBe(a.every((segment, i) => segment === b[i]));
      }),
    );
  });

  it("counts bytes as UTF-8 does", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (text) => {
        expect(utf8Length(text)).toBe(Buffer.byteLength(text));
      }),
    );
    expect(utf8Length("\ud800")).toBe(3);
    expect(utf8Length("\ud800\ud800\udc00")).toBe(7);
  });
});
