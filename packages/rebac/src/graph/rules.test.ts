// Each rule of the file model once, by name.
import { parseVirtualPath } from "@bulkhead/contract";
import { expect, test } from "vitest";
import { other, own } from "../test/naive.ts";
import { into, on, who } from "../test/spell.ts";
import { fileGraph } from "./file-graph.ts";
import type { FileGraph, Tuple, Verdict } from "./types.ts";

const holding = (...tuples: readonly Tuple[]): FileGraph => {
  const graph = fileGraph(own);
  for (const tuple of tuples) graph.apply({ kind: "add", tuple });
  return graph;
};
const at = parseVirtualPath;

const judge = (graph: FileGraph, subject: string, path: string, now = 0): Verdict => {
  const ref = who(subject);
  const home = ref.tenant === own ? graph : fileGraph(ref.tenant);
  return graph.check(home.closureOf(ref, now), at(path), now);
};
const may = (tuples: readonly Tuple[], subject: string, path: string, now = 0): string => {
  const { mask } = judge(holding(...tuples), subject, path, now);
  return ["read", "write", "share"].filter((_, bit) => (mask & (1 << bit)) !== 0).join(" ");
};

const all = "read write share";
const mallory = `user:mallory@${other}`;
const staff = [into("group:team", "staff"), into("user:u", "team")];
const cases: readonly (readonly [string, readonly Tuple[], string, string, string])[] = [
  ["nothing gives nothing", [], "user:u", "/w/a", ""],
  ["a viewer reads", [on("user:u", "viewer", "/w/a")], "user:u", "/w/a", "read"],
  ["an editor writes", [on("user:u", "editor", "/w/a")], "user:u", "/w/a", "read write"],
  ["an owner shares", [on("user:u", "owner", "/w/a")], "user:u", "/w/a", all],
  ["another does not", [on("user:u", "owner", "/w/a")], "user:v", "/w/a", ""],
  ["an agent is no user", [on("user:u", "owner", "/w/a")], "agent:u", "/w/a", ""],
  ["a role holds below", [on("user:u", "editor", "/w/a")], "user:u", "/w/a/b/c", "read write"],
  ["and not above", [on("user:u", "editor", "/w/a/b")], "user:u", "/w/a", ""],
  ["nor beside, however alike", [on("user:u", "owner", "/w/a")], "user:u", "/w/ab", ""],
  ["nor on a part of the name", [on("user:u", "owner", "/w/ab")], "user:u", "/w/a", ""],
  ["/x/* holds below", [on("user:u", "viewer", "/w/a/*")], "user:u", "/w/a/b", "read"],
  ["/x/* does not hold on x", [on("user:u", "viewer", "/w/a/*")], "user:u", "/w/a", ""],
  [
    "a group's members",
    [on("group:staff", "editor", "/w"), ...staff],
    "user:u",
    "/w/a",
    "read write",
  ],
  ["and nobody else", [on("group:staff", "editor", "/w"), ...staff], "user:v", "/w/a", ""],
  ["everybody of the tenant", [on("tenant:", "editor", "/w")], "service:s", "/w/a", "read write"],
  ["but not of another", [on("tenant:", "editor", "/w")], mallory, "/w/a", ""],
  ["user:* is every user", [on("user:*", "viewer", "/w")], "user:u", "/w/a", "read"],
  ["and no agent", [on("user:*", "viewer", "/w")], "agent:u", "/w/a", ""],
  ["and no user of another tenant", [on("user:*", "viewer", "/w")], mallory, "/w/a", ""],
  ["agent:* is every agent", [on("agent:*", "viewer", "/w")], "agent:x", "/w/a", "read"],
  [
    "blocked beats owner",
    [on("user:u", "owner", "/w/a"), on("user:u", "blocked", "/w/a")],
    "user:u",
    "/w/a",
    "",
  ],
  [
    "blocked above",
    [on("user:u", "owner", "/w/a/b"), on("user:u", "blocked", "/w")],
    "user:u",
    "/w/a/b",
    "",
  ],
  [
    "blocked below leaves above",
    [on("user:u", "viewer", "/w"), on("user:u", "blocked", "/w/a/b")],
    "user:u",
    "/w/a",
    "read",
  ],
  [
    "a group blocks its members",
    [on("user:u", "owner", "/w"), on("group:staff", "blocked", "/w"), ...staff],
    "user:u",
    "/w",
    "",
  ],
  [
    "blocked is /x/* too",
    [on("user:u", "viewer", "/w/a"), on("user:u", "blocked", "/w/a/*")],
    "user:u",
    "/w/a/b",
    "",
  ],
  [
    "and leaves x",
    [on("user:u", "viewer", "/w/a"), on("user:u", "blocked", "/w/a/*")],
    "user:u",
    "/w/a",
    "read",
  ],
  ["an admin may all", [into("user:u", "admin")], "user:u", "/w/a", all],
  ["a group of admins", [into("group:staff", "admin"), ...staff], "user:u", "/w/a", all],
  [
    "nothing blocks an admin",
    [into("user:u", "admin"), on("user:u", "blocked", "/w")],
    "user:u",
    "/w/a",
    all,
  ],
  ["a viewer from another tenant", [on(mallory, "viewer", "/w/a")], mallory, "/w/a/b", "read"],
  [
    "all of another tenant",
    [on(`tenant:@${other}`, "editor", "/w/a")],
    mallory,
    "/w/a",
    "read write",
  ],
  ["never an owner from there", [on(mallory, "owner", "/w/a")], mallory, "/w/a", ""],
  ["nor an admin", [{ ...into("user:u", "admin"), subject: who(mallory) }], mallory, "/w/a", ""],
  [
    "nor a group's member",
    [{ ...into("user:u", "g"), subject: who(mallory) }, on("group:g", "viewer", "/w")],
    mallory,
    "/w",
    "",
  ],
  ["nor their wildcard", [on(`user:*@${other}`, "viewer", "/w/a")], mallory, "/w/a", ""],
  [
    "a wildcard owns nothing",
    [on("user:*", "owner", "/w"), on("agent:*", "editor", "/w")],
    "user:u",
    "/w",
    "",
  ],
  [
    "a wildcard is blocked nowhere",
    [on("user:u", "viewer", "/w"), on("user:*", "blocked", "/w")],
    "user:u",
    "/w",
    "read",
  ],
  [
    "nor is a whole tenant",
    [on("user:u", "viewer", "/w"), on("tenant:", "blocked", "/w")],
    "user:u",
    "/w",
    "read",
  ],
  [
    "a wildcard is no member",
    [into("user:*", "g"), on("group:g", "viewer", "/w")],
    "user:u",
    "/w",
    "",
  ],
  [
    "users of one id in two tenants differ",
    [on(`user:u@${other}`, "viewer", "/w")],
    "user:u",
    "/w",
    "",
  ],
  [
    "a cycle that blocks denies",
    [
      on("user:u", "owner", "/w"),
      on("group:a", "blocked", "/w"),
      into("group:b", "a"),
      into("group:a", "b"),
    ],
    "user:u",
    "/w",
    "",
  ],
  [
    "a cycle that grants is one group",
    [
      on("group:a", "viewer", "/w"),
      into("group:b", "a"),
      into("group:a", "b"),
      into("user:u", "b"),
    ],
    "user:u",
    "/w",
    "read",
  ],
];

test.each(cases)("%s", (_, tuples, subject, path, expected) => {
  expect(may(tuples, subject, path)).toBe(expected);
});

test("what has expired is absent from that millisecond on", () => {
  for (const tuples of [
    [on("user:u", "viewer", "/w", 1_000)],
    [on("group:g", "viewer", "/w"), into("user:u", "g", 1_000)],
  ]) {
    expect(may(tuples, "user:u", "/w", 999)).toBe("read");
    expect(may(tuples, "user:u", "/w", 1_000)).toBe("");
  }
  const blocked = [on("user:u", "viewer", "/w"), on("user:u", "blocked", "/w", 1_000)];
  expect(may(blocked, "user:u", "/w", 999)).toBe("");
  expect(may(blocked, "user:u", "/w", 1_000)).toBe("read");
  // Beyond 32 bits, and with a fraction: earlier rather than later.
  const late = 2 ** 45 + 12_345;
  expect(may([on("user:u", "viewer", "/w", late)], "user:u", "/w", late - 1)).toBe("read");
  expect(may([on("user:u", "viewer", "/w", late)], "user:u", "/w", late)).toBe("");
  expect(may([on("user:u", "viewer", "/w", 10.5)], "user:u", "/w", 10)).toBe("");
  expect(may([on("user:u", "viewer", "/w", Number.NaN)], "user:u", "/w", 2)).toBe("");
});

test("a verdict ends when the first permission has lost the last of what gives it", () => {
  const until = (...tuples: readonly Tuple[]): number =>
    judge(holding(...tuples), "user:u", "/w/a").until;
  expect(until(on("user:u", "viewer", "/w", 5), on("user:u", "viewer", "/w/a", 9))).toBe(9);
  expect(until(on("user:u", "viewer", "/w"), on("user:u", "editor", "/w/a", 9))).toBe(9);
  expect(until(on("user:u", "editor", "/w", 7), on("user:u", "viewer", "/w/a", 9))).toBe(7);
  expect(until(on("group:g", "viewer", "/w"), into("user:u", "g", 4))).toBe(4);
  expect(until(on("group:g", "viewer", "/w", 3), into("user:u", "g", 4))).toBe(3);
  expect(until(on("user:u", "viewer", "/w"), on("user:u", "blocked", "/w/b", 2))).toBe(Infinity);
  const two = [
    into("group:x", "g"),
    into("user:u", "x", 4),
    into("group:y", "g", 8),
    into("user:u", "y"),
  ];
  expect(until(on("group:g", "viewer", "/w"), ...two)).toBe(8);
});

test("a rename takes along what is below, and a recreated name inherits nothing", () => {
  const graph = holding(on("user:u", "viewer", "/w/a/b"), on("user:v", "viewer", "/w/c"));
  graph.apply({ kind: "move", from: at("/w/a"), to: at("/w/d/e") });
  expect(judge(graph, "user:u", "/w/d/e/b").mask).toBe(1);
  expect(judge(graph, "user:u", "/w/a/b").mask).toBe(0);
  // Onto what is there: both.
  graph.apply({ kind: "move", from: at("/w/d/e"), to: at("/w/c") });
  expect(judge(graph, "user:u", "/w/c/b").mask).toBe(1);
  expect(judge(graph, "user:v", "/w/c").mask).toBe(1);
  // Onto what it lies below, with a namesake in it.
  graph.apply({ kind: "add", tuple: on("user:u", "viewer", "/w/c/b/b") });
  graph.apply({ kind: "move", from: at("/w/c/b"), to: at("/w/c") });
  expect(judge(graph, "user:u", "/w/c/b").mask).toBe(1);
  graph.apply({ kind: "purge", path: at("/w/c") });
  expect(graph.size).toBe(0);
  expect(judge(graph, "user:v", "/w/c")).toMatchObject({ mask: 0, leads: false });
});

test("one of two that are equal is dropped, and only what is equal in all", () => {
  const graph = holding(on("user:u", "viewer", "/w"), on("user:u", "viewer", "/w"));
  graph.apply({ kind: "drop", tuple: on("user:u", "viewer", "/w", 5) });
  graph.apply({ kind: "drop", tuple: on("user:u", "viewer", "/w/*") });
  graph.apply({ kind: "drop", tuple: on("user:u", "viewer", "/w") });
  expect(judge(graph, "user:u", "/w").mask).toBe(1);
  graph.apply({ kind: "drop", tuple: on("user:u", "viewer", "/w") });
  expect(judge(graph, "user:u", "/w").mask).toBe(0);
});

test("a closure meets a block that is given to it after it was made", () => {
  const graph = holding(on("tenant:", "viewer", "/w"));
  const closure = graph.closureOf(who("user:new"), 0);
  const name = graph.listing(closure, at("/w"), 0);
  expect(name("a").mask).toBe(1);
  graph.apply({ kind: "add", tuple: on("user:new", "blocked", "/w") });
  expect(graph.check(closure, at("/w/a"), 0).mask).toBe(0);
  expect(name("a").mask).toBe(0);
});

test("an explanation names the chain, or the nearest misses", () => {
  const graph = holding(
    ...staff,
    on("group:staff", "viewer", "/w/a"),
    on("user:u", "editor", "/w/b/c"),
    on("user:u", "editor", "/w/a", 5),
    on("user:v", "owner", "/w/a"),
  );
  const closure = graph.closureOf(who("user:u"), 9);
  const read = graph.explain(closure, at("/w/a/x"), 1, 9);
  expect(read.chain.map(({ relation, subject }) => `${subject.id} ${relation}`)).toEqual([
    "u member",
    "team member",
    "staff viewer",
  ]);
  const write = graph.explain(closure, at("/w/a/x"), 2, 9);
  expect(
    write.misses.map(({ why, tuple }) => `${tuple.subject.id} ${tuple.relation} ${why}`),
  ).toEqual([
    "u editor expired",
    "staff viewer weaker-role",
    "v owner other-subject",
    "u editor other-path",
  ]);
  graph.apply({ kind: "add", tuple: on("group:staff", "blocked", "/w") });
  expect(graph.explain(closure, at("/w/a/x"), 1, 9).misses[0]).toMatchObject({ why: "blocked" });
});
