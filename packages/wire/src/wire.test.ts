import { errorCodes, FileError, parseRequestPath, type Stat } from "@bulkhead/contract";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  decodeMetadata,
  encodeMetadata,
  errorOf,
  errorStatuses,
  fileStat,
  fileStatOf,
  fileStatText,
  keyInputOf,
  mintRequest,
  moveRequest,
  parseEtags,
  problemOf,
  problemSchema,
  quoteEtag,
  statOf,
  timeOf,
  tenantRequest,
} from "./index.ts";

describe("metadata", () => {
  it("survives the headers, whatever it holds", () => {
    const text = fc.oneof(
      fc.string({ unit: "binary" }),
      fc.string({ unit: "grapheme" }),
      fc.constantFrom(" a ", "%", "%41", "A", "__proto__", "\r\nX: y"),
    );
    fc.assert(
      fc.property(
        fc.array(
          fc.tuple(
            text.filter((name) => name !== ""),
            text,
          ),
          { maxLength: 5 },
        ),
        (entries) => {
          const metadata = Object.fromEntries(entries);
          const headers = encodeMetadata(metadata);
          for (const [name, value] of headers) {
            expect(name).toMatch(/^[A-Za-z0-9!#$%&'*+.^_`|~-]+$/);
            expect(value).toMatch(/^(?:[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?)?$/);
          }
          // As a server sees them: names have lost their case.
          const seen = headers.map(([name, value]) => [name.toLowerCase(), value] as const);
          expect(new Map(Object.entries(decodeMetadata(seen)))).toEqual(
            new Map(Object.entries(metadata)),
          );
        },
      ),
    );
  });
  it("stands as it is where it is plain", () => {
    expect(encodeMetadata({ owner: "Alice B." })).toEqual([["Bulkhead-Meta-owner", "Alice B."]]);
    expect(
      decodeMetadata([
        ["X-Other", "%"],
        ["bulkhead-meta-a", "%C3%BC"],
      ]),
    ).toEqual({ a: "ü" });
  });
  it.each([
    [[["Bulkhead-Meta-a", "100%"]]],
    [[["Bulkhead-Meta-a", "%ff"]]],
    [[["Bulkhead-Meta-a", "ü"]]],
    [[["Bulkhead-Meta-", "a"]]],
    [
      [
        ["Bulkhead-Meta-a", "1"],
        ["BULKHEAD-META-A", "2"],
      ],
    ],
    [
      [
        ["Bulkhead-Meta-a", "1"],
        ["Bulkhead-Meta-%61", "2"],
      ],
    ],
    [[["Bulkhead-Meta-a", "x".repeat(8192)]]],
  ] as [string, string][][][])("refuses %j", (headers) => {
    expect(() => decodeMetadata(headers)).toThrow(FileError);
  });
});

describe("entity tags", () => {
  it("are quoted, and read back from lists", () => {
    expect(quoteEtag("a,b")).toBe('"a,b"');
    expect(() => quoteEtag('a"b')).toThrow(FileError);
    expect(parseEtags(" * ")).toBe("*");
    expect(parseEtags('"a,b" ,, W/"c"')).toEqual([
      { tag: "a,b", weak: false },
      { tag: "c", weak: true },
    ]);
    expect(parseEtags('""')).toEqual([{ tag: "", weak: false }]);
    for (const wrong of ["", ",", "a", '"a', '"a" "b"', '*, "a"', 'w/"a"'])
      expect([wrong, parseEtags(wrong)]).toEqual([wrong, undefined]);
  });
});

describe("problems", () => {
  it("tell every error, and turn back into it", () => {
    for (const code of errorCodes) {
      const error = new FileError(code, "why", {
        fields: {
          etag: "e",
          resource: "bytes",
          limit: 1,
          used: 2,
          requested: 3,
          location: "l",
          counts: { files: 1 },
        },
      });
      const problem = problemOf(error, "r");
      expect(problemSchema.parse(JSON.parse(JSON.stringify(problem)))).toEqual(problem);
      expect(problem).toMatchObject({
        status: errorStatuses[code].status,
        code,
        requestId: "r",
        retryable: error.retry !== "never",
      });
      const back = errorOf(problem, 7);
      expect([back.code, back.retry, back.detail, back.fields.retryAfter]).toEqual([
        code,
        error.retry,
        problem.detail,
        7,
      ]);
      if (!["internal", "unauthenticated", "outside-workspace"].includes(code))
        expect(back.fields).toEqual({ ...error.fields, retryAfter: 7 });
    }
  });
  it("say nothing where they must not", () => {
    for (const code of ["internal", "unauthenticated", "outside-workspace"] as const)
      expect(
        problemOf(new FileError(code, "secret", { fields: { etag: "e", used: 1 } }), "r"),
      ).toEqual(problemOf(new FileError(code, "other"), "r"));
    expect(problemOf(new Error("secret"), "r")).toEqual(
      problemOf(new FileError("internal", ""), "r"),
    );
    expect(
      JSON.stringify(problemOf(new FileError("forbidden", "no", { denial: "secret" }), "r")),
    ).not.toContain("secret");
  });
});

describe("shapes", () => {
  it("carry a stat there and back", () => {
    const file = {
      name: "a",
      kind: "file",
      size: 1,
      modifiedAt: 1000,
      createdAt: 500,
      etag: "e",
      contentType: "t/t",
      version: "v",
      metadata: { a: "b" },
    } as const;
    const directory = { name: "a", kind: "directory", size: 0, modifiedAt: 1000 } as const;
    for (const stat of [file, directory]) {
      const wire = fileStatOf(parseRequestPath("/x/a"), stat);
      expect(wire.modifiedAt).toBe("1970-01-01T00:00:01.000Z");
      expect(statOf(fileStat.parse(JSON.parse(JSON.stringify(wire))))).toEqual(stat);
      expect(fileStatText(parseRequestPath("/x/a"), stat)).toBe(JSON.stringify(wire));
    }
  });
  it("are written as JSON writes them, whatever the names and times are", () => {
    const text = fc.oneof(fc.string(), fc.string({ unit: "binary" }));
    const time = fc.oneof(
      fc.integer({ min: -8.64e15, max: 8.64e15 }),
      fc.double({ min: -1e14, max: 1e14, noNaN: true }),
      fc.constantFrom(-1, 0, 86_399_999, 86_400_000, 951_782_400_000),
    );
    fc.assert(
      fc.property(text, text, time, time, fc.dictionary(text, text), (name, other, a, b, more) => {
        const path = parseRequestPath("/x/a");
        expect([timeOf(a), timeOf(b)]).toEqual(
          [new Date(a), new Date(b)].map((d) => d.toISOString()),
        );
        const stat: Stat = {
          name,
          kind: "file",
          size: 3,
          modifiedAt: a,
          createdAt: b,
          etag: other,
          contentType: other,
          version: name,
          metadata: more,
        };
        const few: Stat = { name, kind: "directory", size: 0, modifiedAt: a };
        for (const one of [stat, few])
          expect(fileStatText(path, one)).toBe(JSON.stringify(fileStatOf(path, one)));
      }),
    );
  });
  it("of requests take nothing that they do not know", () => {
    expect(moveRequest.safeParse({ from: "/a", to: "/b", mode: { ifMatch: "e" } }).success).toBe(
      true,
    );
    for (const wrong of [
      { from: "/a", to: "/b", force: true },
      { from: "/a", to: "/b", mode: { ifMatch: "e", x: 1 } },
      { from: "/a", to: "/b", mode: "replace" },
    ])
      expect(moveRequest.safeParse(wrong).success).toBe(false);
    expect(tenantRequest.safeParse({ id: "a", limits: { bytes: null, files: 3 } }).success).toBe(
      true,
    );
    expect(tenantRequest.safeParse({ id: "a", limits: { bytes: -1 } }).success).toBe(false);
    expect(tenantRequest.safeParse({ id: "a", status: "active" }).success).toBe(false);
    const mint = mintRequest.parse({ name: "n", expiresAt: "2030-01-01T00:00:00Z" });
    expect(keyInputOf(mint)).toEqual({ name: "n", expiresAt: Date.UTC(2030, 0, 1) });
    expect(mintRequest.safeParse({ name: "n", expiresAt: "2030-01-01" }).success).toBe(false);
    expect(mintRequest.safeParse({ name: "n", subject: { type: "group", id: "g" } }).success).toBe(
      false,
    );
  });
});
