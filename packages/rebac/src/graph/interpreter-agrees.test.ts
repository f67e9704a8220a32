// The walk against the generic interpreter, given the built-in model as text and the same relations as its tuples.
import { nameOf, parent, segmentsBelow, child, type VirtualPath } from "@bulkhead/contract";
import fc from "fast-check";
import { expect, test } from "vitest";
import { interpreter } from "../interpret/interpreter.ts";
import type { ModelTuple } from "../interpret/model-tuple.ts";
import { tupleSet } from "../interpret/tuple-set.ts";
import { fileModel } from "../model/file-model.ts";
import { parseModel } from "../model/parse-model.ts";
import { isLive, own } from "../test/naive.ts";
import { asker, now, numRuns, path, world } from "../test/worlds.ts";
import type { SubjectRef, Tuple } from "./types.ts";

const interpret = interpreter(await parseModel(fileModel));

const written = ({ tenant, type, id }: SubjectRef): string => {
  const name = tenant === own || type === "tenant" ? id : `${tenant}/${id}`;
  return type === "group" || type === "tenant" ? `${type}:${name}#member` : `${type}:${name}`;
};

/** Where a relation counts on the way to a path: on its own place, or for what lies below on the next one. */
const placeOf = ({ object, belowOnly }: Tuple, path: VirtualPath): string | undefined => {
  if (object.type === "group") return `group:${object.id}`;
  if (object.type === "tenant") return `tenant:${object.tenant}`;
  const [next] = segmentsBelow(object.path, path) ?? [];
  if (belowOnly !== true) return `file:${object.path}`;
  return next === undefined ? undefined : `file:${child(object.path, next)}`;
};

const tuplesFor = (
  tuples: readonly Tuple[],
  who: SubjectRef,
  path: VirtualPath,
  when: number,
): readonly ModelTuple[] => {
  const made: ModelTuple[] = [
    { subject: written(who), relation: "member", object: `tenant:${own}` },
  ];
  for (const tuple of tuples) {
    const object = tuple.object.tenant === own ? placeOf(tuple, path) : undefined;
    if (object === undefined || !isLive(tuple, when)) continue;
    made.push({ subject: written(tuple.subject), relation: tuple.relation, object });
  }
  for (let at: VirtualPath | undefined = path; at !== undefined; at = parent(at)) {
    made.push({ subject: `tenant:${own}`, relation: "tenant", object: `file:${at}` });
    const above = parent(at);
    if (above !== undefined && nameOf(at) !== "")
      made.push({ subject: `file:${above}`, relation: "parent", object: `file:${at}` });
  }
  return made;
};

test("the walk and the interpreter allow the same", () => {
  const insider = asker.filter(({ tenant }) => tenant === own);
  fc.assert(
    fc.property(world, insider, path, now, ({ graph, tuples }, who, at, when) => {
      const { mask } = graph.check(graph.closureOf(who, when), at, when);
      const reader = tupleSet(tuplesFor(tuples, who, at, when));
      for (const [bit, relation] of ["can_read", "can_write", "can_share"].entries()) {
        const question = { subject: written(who), relation, object: `file:${at}` };
        expect(interpret.check(reader, question).allowed).toBe((mask & (1 << bit)) !== 0);
      }
    }),
    { numRuns },
  );
});
