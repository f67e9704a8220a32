// What is large, deep or round ends, and where a limit is hit the answer is no, and says so.
import { parseVirtualPath } from "@bulkhead/contract";
import { expect, test } from "vitest";
import { own } from "../test/naive.ts";
import { into, on, who } from "../test/spell.ts";
import { fileGraph } from "./file-graph.ts";
import { loadInSlices } from "./load-in-slices.ts";
import type { FileGraph, Tuple } from "./types.ts";

const at = parseVirtualPath;
const fill = (count: number, make: (i: number) => Tuple, graph = fileGraph(own)): FileGraph => {
  for (let i = 0; i < count; i++) graph.apply({ kind: "add", tuple: make(i) });
  return graph;
};
const mask = (graph: FileGraph, subject: string, path: string): number =>
  graph.check(graph.closureOf(who(subject), 0), at(path), 0).mask;

test("groups a thousand deep, in a ring, are walked once", () => {
  const graph = fill(1_000, (i) => into(`group:${i}`, `${(i + 1) % 1_000}`));
  graph.apply({ kind: "add", tuple: into("user:u", "0") });
  graph.apply({ kind: "add", tuple: on("group:999", "viewer", "/w") });
  expect(mask(graph, "user:u", "/w")).toBe(1);
  expect(mask(graph, "user:v", "/w")).toBe(0);
  // Without an end the chain is no ring, and a block by it is decided.
  graph.apply({ kind: "add", tuple: on("user:v", "viewer", "/x") });
  graph.apply({ kind: "add", tuple: on("group:999", "blocked", "/x") });
  expect(mask(graph, "user:v", "/x")).toBe(0);
  graph.apply({ kind: "drop", tuple: into("group:999", "0") });
  expect(mask(graph, "user:v", "/x")).toBe(1);
  expect(mask(graph, "user:u", "/x")).toBe(0);
});

test("a ring of memberships opens when one of them ends", () => {
  const graph = fileGraph(own);
  for (const tuple of [
    into("group:a", "b"),
    into("group:b", "a", 5),
    on("user:u", "viewer", "/w"),
    on("group:a", "blocked", "/w"),
  ])
    graph.apply({ kind: "add", tuple });
  const check = (now: number) => graph.check(graph.closureOf(who("user:u"), now), at("/w"), now);
  expect(check(4)).toMatchObject({ mask: 0, indeterminate: true });
  expect(check(5)).toMatchObject({ mask: 1, indeterminate: false });
  expect(check(4)).toMatchObject({ mask: 0, indeterminate: true });
});

test("a hundred thousand in a group, and a hundred thousand on a file", () => {
  const graph = fill(100_000, (i) => into(`user:${i}`, "all"));
  graph.apply({ kind: "add", tuple: on("group:all", "viewer", "/w/a") });
  expect(mask(graph, "user:99999", "/w/a")).toBe(1);
  fill(100_000, (i) => on(`user:${i}`, "editor", "/w/b"), graph);
  expect(mask(graph, "user:77", "/w/b")).toBe(3);
  expect(mask(graph, "user:x", "/w/b")).toBe(0);
  graph.apply({ kind: "add", tuple: on("group:all", "blocked", "/w/b") });
  expect(mask(graph, "user:77", "/w/b")).toBe(0);
  graph.apply({ kind: "drop", tuple: on("group:all", "blocked", "/w/b") });
  graph.apply({ kind: "drop", tuple: on("user:77", "editor", "/w/b") });
  expect(mask(graph, "user:77", "/w/b")).toBe(0);
  expect(mask(graph, "user:78", "/w/b")).toBe(3);
  graph.apply({ kind: "purge", path: at("/w/b") });
  expect(mask(graph, "user:78", "/w/b")).toBe(0);
  expect(graph.size).toBe(100_001);
});

test("a cycle behind a crowded file denies as behind any other", () => {
  const graph = fill(100, (i) => on(`user:${i}`, "viewer", "/w"));
  graph.apply({ kind: "add", tuple: on("group:a", "blocked", "/w") });
  expect(mask(graph, "user:5", "/w")).toBe(1);
  graph.apply({ kind: "add", tuple: into("group:a", "a") });
  expect(mask(graph, "user:5", "/w")).toBe(0);
});

test("who is in more groups than are looked at is not let in, nor past a block", () => {
  const graph = fill(20_000, (i) => into("user:u", `${i}`));
  for (const tuple of [
    on("group:0", "viewer", "/w/a"),
    on("group:19999", "viewer", "/w/a"),
    on("user:u", "viewer", "/w/b"),
    on("group:0", "blocked", "/w/b"),
    on("user:u", "viewer", "/w/c"),
  ])
    graph.apply({ kind: "add", tuple });
  const closure = graph.closureOf(who("user:u"), 0);
  expect(closure.indeterminate).toBe(true);
  const check = (path: string) => graph.check(closure, at(path), 0);
  expect(check("/w/b")).toMatchObject({ mask: 0, indeterminate: true });
  expect(check("/w/none")).toMatchObject({ mask: 0, leads: false, indeterminate: true });
  expect(check("/w/c").mask).toBe(1);
  expect(check("/w")).toMatchObject({ leads: false, indeterminate: true });
  expect(graph.cover(closure, 1, 0).roots).toEqual([]);
});

test("what leads is found below many others' relations, and by those with many of their own", () => {
  const graph = fill(30_000, (i) => on("user:v", "viewer", `/w/v/${i % 100}/${i}`));
  fill(3, (i) => on("user:u", "viewer", `/w/v/7/u/${i}`), graph);
  // One closure all the while: what was found for it earlier does not outlive a change.
  const closure = graph.closureOf(who("user:u"), 0);
  const leads = (path: string): boolean => graph.check(closure, at(path), 0).leads;
  expect(leads("/w")).toBe(true);
  expect(leads("/w/v/7")).toBe(true);
  expect(leads("/w/v/8")).toBe(false);
  graph.apply({ kind: "add", tuple: on("user:u", "blocked", "/w/v/7/u") });
  expect(leads("/w")).toBe(false);
  graph.apply({ kind: "drop", tuple: on("user:u", "blocked", "/w/v/7/u") });
  expect(leads("/w")).toBe(true);
  graph.apply({ kind: "add", tuple: on("user:u", "blocked", "/w/v/7/*") });
  expect(leads("/w")).toBe(false);
  // Named 60,000 times: not all are walked up from, and what is looked at below is bounded.
  fill(60_000, (i) => on("user:u", "viewer", `/w/u/${i}`), graph);
  expect(leads("/w")).toBe(true);
  expect(leads("/w/v/8")).toBe(false);
  const whole = graph.check(closure, at("/w/v"), 0);
  expect(whole).toMatchObject({ leads: false, indeterminate: true });
});

test("a load lets others run, can be ended, and ends as if all had been added at once", async () => {
  const tuples = Array.from({ length: 20_000 }, (_, i) =>
    on(`user:${i % 50}`, "viewer", `/w/${i}`),
  );
  let turns = 0;
  let over = false;
  const tick = (): void => {
    turns += 1;
    if (!over) setImmediate(tick);
  };
  setImmediate(tick);
  const graph = await loadInSlices(own, [tuples], { slice: 1 });
  over = true;
  expect(turns).toBeGreaterThan(2);
  expect(graph.size).toBe(tuples.length);
  expect(mask(graph, "user:7", "/w/57")).toBe(1);
  const ending = new AbortController();
  const pages = function* (): Generator<readonly Tuple[]> {
    yield tuples.slice(0, 10);
    ending.abort(new Error("swapped"));
    yield tuples.slice(10, 20);
  };
  await expect(loadInSlices(own, pages(), { signal: ending.signal })).rejects.toThrow("swapped");
});

test("its own count of bytes follows what it holds", () => {
  const graph = fill(20_000, (i) => on(`user:${i % 500}`, "viewer", `/w/${i % 100}/${i}`));
  const each = graph.bytes / graph.size;
  expect(each).toBeGreaterThan(60);
  expect(each).toBeLessThan(250);
  expect(fileGraph(own).bytes).toBeLessThan(10_000);
});
