import { describe, expect, it } from "vitest";
import { checkCasts, doors } from "./check-casts.ts";
import { parseSource } from "./source.ts";

const faults = (text: string, path = "packages/x/src/y.ts"): readonly string[] =>
  checkCasts(parseSource(path, text));

describe("the check of casts", () => {
  it.each([
    'const p = "/a" as RequestPath;',
    'const p = <VirtualPath>"/a";',
    "const all = names as readonly BackendPath[];",
    "const make = <P extends AnyPath>(raw: string): P => raw as P;",
    'import type { VirtualPath as V } from "@bulkhead/contract"; const p = raw as V;',
    "type Place = VirtualPath; const p = raw as Place;",
    "const is = (raw: string): raw is RequestPath => raw.length > 0;",
    "read(ctx, raw as never);",
    "const p = raw as unknown as Thing;",
    'if (path.startsWith("/tenant-a")) allow();',
    "if (entry.path.startsWith(home)) allow();",
    "if (where.startsWith(`${base}/`)) allow();",
  ])("refuses %s", (text) => {
    expect(faults(text)).toHaveLength(1);
    expect(faults(text)[0]).toMatch(/^packages\/x\/src\/y\.ts:1: /);
  });

  it.each([
    'if (path.startsWith("/")) absolute();',
    'if (type.startsWith("text/")) show();',
    "const order = names as const;",
    "type Session = Store<RequestPath, Context>; const session = made as Session;",
    "const child = (base: VirtualPath): VirtualPath => base;",
  ])("lets %s pass", (text) => {
    expect(faults(text)).toEqual([]);
  });

  it("lets a door cast, and tests compare text, but no test makes a path", () => {
    expect(faults("const p = raw as VirtualPath;", doors[0])).toEqual([]);
    expect(
      faults('expect(path.startsWith("/a")).toBe(x as never);', "packages/x/src/y.test.ts"),
    ).toEqual([]);
    expect(faults("const p = raw as VirtualPath;", "packages/x/src/y.test.ts")).toHaveLength(1);
  });

  it("names the line", () => {
    expect(faults("\n\nconst p = raw as VirtualPath;\n")[0]).toContain("y.ts:3:");
  });
});
