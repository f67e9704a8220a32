import { isUnder, parseVirtualPath, segmentsOf, type VirtualPath } from "@bulkhead/contract";
import fc from "fast-check";
import { fileGraph } from "../graph/file-graph.ts";
import type { Closure, FileGraph, GraphChange, SubjectRef, Tuple } from "../graph/types.ts";
import { other, own } from "./naive.ts";

/** How many worlds a property is tried on. */
export const numRuns: number = Number(process.env["BULKHEAD_RUNS"] ?? 300);

const name = fc.constantFrom("a", "b", "c");
const pathIn = (root: string): fc.Arbitrary<VirtualPath> =>
  fc.array(name, { maxLength: 4 }).map((parts) => parseVirtualPath([root, ...parts].join("/")));
export const path: fc.Arbitrary<VirtualPath> = pathIn("/w/t");
const expiresAt = fc.option(fc.integer({ min: 1, max: 10 }), { nil: undefined, freq: 2 });
const groupId = fc.constantFrom("g0", "g1", "g2", "g3");
const person = (tenant: string): fc.Arbitrary<SubjectRef> =>
  fc.record({
    tenant: fc.constant(tenant),
    type: fc.constantFrom("user" as const, "agent" as const, "service" as const),
    id: fc.constantFrom("p0", "p1"),
  });
const group = (tenant: string): fc.Arbitrary<SubjectRef> =>
  groupId.map((id) => ({ tenant, type: "group", id, relation: "member" }));
const everybody = (tenant: string): SubjectRef => ({
  tenant,
  type: "tenant",
  id: tenant,
  relation: "member",
});
const anyone = (tenant: string): fc.Arbitrary<SubjectRef> =>
  fc.oneof(person(tenant), group(tenant));
const wildcard: fc.Arbitrary<SubjectRef> = fc
  .constantFrom("user" as const, "agent" as const)
  .map((type) => ({ tenant: own, type, id: "*" }));

const onFile = (
  relation: Tuple["relation"],
  subject: fc.Arbitrary<SubjectRef>,
  tenant = own,
): fc.Arbitrary<Tuple> =>
  fc.record({
    subject,
    relation: fc.constant(relation),
    object: (tenant === own ? path : pathIn("/w/s")).map((at) => ({
      tenant,
      type: "file" as const,
      path: at,
    })),
    expiresAt,
    belowOnly: fc.constantFrom(true, false, undefined),
  });
const membership: fc.Arbitrary<Tuple> = fc.record({
  subject: anyone(own),
  relation: fc.constant("member" as const),
  object: groupId.map((id) => ({ tenant: own, type: "group" as const, id })),
  expiresAt,
});
const admin: fc.Arbitrary<Tuple> = fc.record({
  subject: anyone(own),
  relation: fc.constant("admin" as const),
  object: fc.constant({ tenant: own, type: "tenant" as const }),
  expiresAt,
});
const whole = fc.oneof(anyone(own), fc.constant(everybody(own)));
const crossing = fc.oneof(person(other), fc.constant(everybody(other)));
const tuple = fc.oneof(
  { weight: 6, arbitrary: membership },
  { weight: 2, arbitrary: onFile("owner", whole) },
  { weight: 2, arbitrary: onFile("editor", whole) },
  { weight: 3, arbitrary: onFile("viewer", fc.oneof(whole, wildcard)) },
  { weight: 3, arbitrary: onFile("blocked", anyone(own)) },
  { weight: 1, arbitrary: onFile("viewer", crossing) },
  { weight: 1, arbitrary: onFile("editor", crossing) },
  { weight: 1, arbitrary: onFile("viewer", whole, other) },
  { weight: 1, arbitrary: admin },
);
const command = fc.oneof(
  { weight: 12, arbitrary: tuple.map((each) => ({ kind: "add" as const, tuple: each })) },
  { weight: 3, arbitrary: fc.nat().map((pick) => ({ kind: "drop" as const, pick })) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("move" as const), from: path, to: path }) },
  { weight: 1, arbitrary: path.map((at) => ({ kind: "purge" as const, path: at })) },
);
type Command = typeof command extends fc.Arbitrary<infer C> ? C : never;

const movedTo = (each: Tuple, from: VirtualPath, to: VirtualPath): Tuple => {
  if (each.object.type !== "file" || !isUnder(from, each.object.path)) return each;
  const rest = segmentsOf(each.object.path).slice(segmentsOf(from).length);
  return {
    ...each,
    object: { ...each.object, path: parseVirtualPath([to, ...rest].join("/")) },
  };
};

/** A graph and what it holds. */
export interface World {
  readonly graph: FileGraph;
  readonly tuples: readonly Tuple[];
}

/** Runs commands on a graph and on a list. */
const play = (commands: readonly Command[]): World => {
  const graph = fileGraph(own);
  let tuples: readonly Tuple[] = [];
  const apply = (change: GraphChange, after: readonly Tuple[]): void => {
    graph.apply(change);
    tuples = after;
  };
  for (const each of commands) {
    if (each.kind === "add") apply(each, [...tuples, each.tuple]);
    else if (each.kind === "drop") {
      const index = each.pick % (tuples.length + 1);
      const dropped = tuples[index];
      if (dropped !== undefined)
        apply({ kind: "drop", tuple: dropped }, tuples.toSpliced(index, 1));
    } else if (each.kind === "purge")
      apply(
        each,
        tuples.filter(({ object }) => object.type !== "file" || !isUnder(each.path, object.path)),
      );
    else if (!isUnder(each.from, each.to))
      apply(
        each,
        tuples.map((one) => movedTo(one, each.from, each.to)),
      );
  }
  return { graph, tuples };
};

export const world: fc.Arbitrary<World> = fc.array(command, { maxLength: 30 }).map(play);
export const asker: fc.Arbitrary<SubjectRef> = fc.oneof(
  { weight: 5, arbitrary: person(own) },
  { weight: 1, arbitrary: group(own) },
  { weight: 1, arbitrary: person(other) },
);
export const now: fc.Arbitrary<number> = fc.integer({ min: 0, max: 10 });

/** The closure of a subject of this tenant or of the other, which has no relations. */
export const closureIn = (graph: FileGraph, who: SubjectRef, at: number): Closure =>
  (who.tenant === own ? graph : fileGraph(other)).closureOf(who, at);
