// What is kept beside relations is asked again once they or the time have moved, and goes with them.
import { parseVirtualPath } from "@bulkhead/contract";
import { expect, test } from "vitest";
import { other, own } from "../test/naive.ts";
import { into, on, who } from "../test/spell.ts";
import { fileGraph } from "./file-graph.ts";
import type { FileGraph, Tuple } from "./types.ts";

const at = parseVirtualPath;
const add = (graph: FileGraph, ...tuples: readonly Tuple[]): FileGraph => {
  for (const tuple of tuples) graph.apply({ kind: "add", tuple });
  return graph;
};

test("a cycle is found that was not there when last looked for, and only where a block still holds", () => {
  const graph = add(
    fileGraph(own),
    into("group:b", "a"),
    on("user:u", "viewer", "/w"),
    on("group:a", "blocked", "/w", 5),
  );
  const mask = (now: number): number =>
    graph.check(graph.closureOf(who("user:u"), now), at("/w"), now).mask;
  expect(mask(0)).toBe(1);
  add(graph, into("group:a", "b"));
  expect(mask(0)).toBe(0);
  expect(mask(5)).toBe(1);
});

test("a closure of another tenant meets what names it since", () => {
  const graph = fileGraph(own);
  const closure = fileGraph(other).closureOf(who(`user:u@${other}`), 0);
  expect(graph.check(closure, at("/w"), 0).mask).toBe(0);
  add(graph, on(`user:u@${other}`, "viewer", "/w"));
  expect(graph.check(closure, at("/w"), 0).mask).toBe(1);
});

test("what leads follows changes and time, and ends at a block above", () => {
  const graph = add(fileGraph(own), on("user:v", "viewer", "/w/a/b"));
  const closure = graph.closureOf(who("user:u"), 0);
  const leads = (path: string, now: number): boolean => graph.check(closure, at(path), now).leads;
  expect(leads("/w", 0)).toBe(false);
  add(graph, on("user:u", "viewer", "/w/a/b", 5));
  expect([leads("/w", 4), leads("/w", 5), leads("/w/a", 4)]).toEqual([true, false, true]);
  add(graph, on("user:u", "blocked", "/w"));
  expect([leads("/w", 4), leads("/w/a", 4)]).toEqual([false, false]);
});

test("a cover has no root below what is blocked", () => {
  const graph = add(
    fileGraph(own),
    on("user:u", "viewer", "/w/a/b"),
    on("user:u", "blocked", "/w/a/*"),
    on("user:u", "viewer", "/w/a"),
    on("user:u", "viewer", "/w/c/*"),
  );
  expect(graph.cover(graph.closureOf(who("user:u"), 0), 1, 0)).toEqual({
    roots: ["/w/a"],
    below: ["/w/c"],
    except: [],
    exceptBelow: ["/w/a"],
  });
  graph.apply({ kind: "drop", tuple: on("user:u", "viewer", "/w/a") });
  expect(graph.cover(graph.closureOf(who("user:u"), 0), 1, 0).roots).toEqual([]);
});

test("paths that come and go leave nothing behind", () => {
  const graph = fileGraph(own);
  const round = (i: number): number => {
    for (let j = 0; j < 50; j++) add(graph, on("user:u", "viewer", `/w/${i}/${j}/x`));
    for (let j = 0; j < 50; j++) {
      const [from, to] = [at(`/w/${i}/${j}/x`), at(`/w/to/${i}`)];
      graph.apply({ kind: "move", from, to });
      graph.apply({ kind: "drop", tuple: on("user:u", "viewer", to) });
    }
    return graph.bytes;
  };
  for (let i = 100; i < 110; i++) round(i);
  const before = graph.bytes;
  for (let i = 110; i < 160; i++) round(i);
  expect(graph.size).toBe(0);
  expect(graph.bytes).toBeLessThan(before * 1.1);
});

test("a long listing says of every name what a check does, also where the graph changes under it", () => {
  const graph = fileGraph(own);
  const kinds = ["viewer", "editor", "blocked"] as const;
  for (let i = 10; i < 600; i++)
    add(graph, on(i % 2 === 0 ? "user:u" : "user:v", kinds[i % 3] ?? "viewer", `/w/n${i}`));
  // Wider than a listing gathers.
  for (let i = 0; i < 17_000; i++) add(graph, on("user:u", "viewer", `/wide/n${i}`));
  const closure = graph.closureOf(who("user:u"), 0);
  const listings = ["/w", "/wide", "/none"].map((path) => ({
    path,
    judge: graph.listing(closure, at(path), 0),
  }));
  const agree = (): void => {
    for (const { path, judge } of listings)
      for (let i = 0; i < 1_000; i++) {
        const { mask, leads } = graph.check(closure, at(`${path}/n${i}`), 0);
        const found = judge(`n${i}`);
        if (found.mask !== mask || found.leads !== leads)
          expect.fail(`${path}/n${i}: ${found.mask} instead of ${mask}`);
      }
  };
  agree();
  expect(graph.check(closure, at("/w/n12"), 0).mask).toBe(1);
  graph.apply({ kind: "purge", path: at("/w/n12") });
  graph.apply({ kind: "move", from: at("/w/n18"), to: at("/w/n3") });
  graph.apply({ kind: "move", from: at("/w/n24"), to: at("/w/n700") });
  graph.apply({ kind: "move", from: at("/wide/n1"), to: at("/none/n1") });
  add(graph, on("user:u", "owner", "/w/n2/*"), on("user:u", "viewer", "/w/n900/x"));
  agree();
});
