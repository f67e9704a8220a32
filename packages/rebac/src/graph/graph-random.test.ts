// The graph against the naive reading of the model.
import { isUnder, parseVirtualPath } from "@bulkhead/contract";
import fc from "fast-check";
import { expect, test } from "vitest";
import { maskOf, own, roles, untilOf } from "../test/naive.ts";
import { asker, closureIn, now, numRuns, path, world } from "../test/worlds.ts";
import { fileGraph } from "./file-graph.ts";
import { canRead } from "./types.ts";

test("a verdict is what the model says, and lasts until something of it ends", () => {
  fc.assert(
    fc.property(world, asker, path, now, ({ graph, tuples }, who, at, when) => {
      const verdict = graph.check(closureIn(graph, who, when), at, when);
      expect(verdict.mask).toBe(maskOf(roles(tuples, who, at, when)));
      if (verdict.mask !== 0) expect(verdict.until).toBe(untilOf(tuples, who, at, when));
    }),
    { numRuns },
  );
});

test("a closure made earlier forgets what ends since", () => {
  fc.assert(
    fc.property(world, asker, path, now, now, ({ graph, tuples }, who, at, a, b) => {
      const closure = closureIn(graph, who, Math.min(a, b));
      const later = Math.max(a, b);
      expect(graph.check(closure, at, later).mask).toBe(maskOf(roles(tuples, who, at, later)));
    }),
    { numRuns },
  );
});

test("a place leads if something at or below it can be read", () => {
  fc.assert(
    fc.property(world, asker, path, now, ({ graph, tuples }, who, at, when) => {
      const places = tuples.flatMap(({ object }) =>
        object.type === "file" && isUnder(at, object.path)
          ? [object.path, parseVirtualPath(`${object.path}/z`)]
          : [],
      );
      const leads = [at, ...places].some(
        (place) => (maskOf(roles(tuples, who, place, when)) & canRead) !== 0,
      );
      expect(graph.check(closureIn(graph, who, when), at, when).leads).toBe(leads);
    }),
    { numRuns },
  );
});

test("a listing is a check of every name", () => {
  fc.assert(
    fc.property(world, asker, path, now, ({ graph }, who, at, when) => {
      const closure = closureIn(graph, who, when);
      const judge = graph.listing(closure, at, when);
      for (const each of ["a", "b", "c", "d"])
        expect(judge(each)).toEqual(graph.check(closure, parseVirtualPath(`${at}/${each}`), when));
    }),
    { numRuns },
  );
});

test("changes leave what a graph built from the rest would be", () => {
  fc.assert(
    fc.property(world, ({ graph, tuples }) => {
      const rebuilt = fileGraph(own);
      for (const each of tuples) rebuilt.apply({ kind: "add", tuple: each });
      expect(graph.size).toBe(rebuilt.size);
      expect(graph.size).toBe(tuples.length);
      for (const each of tuples) graph.apply({ kind: "drop", tuple: each });
      expect(graph.size).toBe(0);
    }),
    { numRuns },
  );
});
