import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Model, Rewrite } from "../model/model.ts";
import { relationOf } from "../model/model.ts";
import { parseModel } from "../model/parse-model.ts";
import { interpreter } from "./interpreter.ts";
import type { ModelTuple } from "./model-tuple.ts";
import { tupleSet } from "./tuple-set.ts";

// Every operator over every other, and negation in circles.
const source = `model
  schema 1.1
type user
type group
  relations
    define member: [user, user:*, group#member]
type doc
  relations
    define parent: [doc]
    define owner: [user, group#member] or owner from parent
    define blocked: [user, user:*, doc#viewer, group#member]
    define viewer: [user, user:*, doc#viewer, group#member] or owner
    define reader: (viewer but not blocked) or reader from parent
    define both: viewer and (owner or blocked)
    define odd: ([user, doc#odd] or both) but not (blocked but not owner)
    define closed: [user, doc#open]
    define open: [user, doc#closed] but not closed
`;
const relations = ["owner", "blocked", "viewer", "reader", "both", "odd", "closed", "open"];
const users = ["user:a", "user:b", "user:c"];
const groups = ["group:a", "group:b", "group:c"];
const docs = ["doc:a", "doc:b", "doc:c"];

/** True, false, or undefined for what goes round in a circle: read off the definition, without any memory. */
const reference = (model: Model, tuples: readonly ModelTuple[], subject: string) => {
  const or = (parts: readonly (boolean | undefined)[]): boolean | undefined => {
    if (parts.includes(true)) return true;
    return parts.includes(undefined) ? undefined : false;
  };
  const not = (part: boolean | undefined): boolean | undefined =>
    part === undefined ? undefined : !part;
  const and = (parts: readonly (boolean | undefined)[]): boolean | undefined =>
    not(or(parts.map(not)));
  const ask = (object: string, relation: string, above: readonly string[]): boolean | undefined => {
    const name = `${object}#${relation}`;
    if (name === subject) return true;
    if (above.includes(name)) return undefined;
    const path = [...above, name];
    const of = (wanted: string): readonly ModelTuple[] =>
      tuples.filter((tuple) => tuple.object === object && tuple.relation === wanted);
    const judge = (rewrite: Rewrite): boolean | undefined => {
      switch (rewrite.kind) {
        case "direct":
          return or(
            of(relation).map((tuple) => {
              const [on = "", userset] = tuple.subject.split("#");
              if (tuple.subject === subject) return true;
              if (tuple.subject === "user:*") return /^user:[^#]*$/u.test(subject);
              return userset === undefined ? false : ask(on, userset, path);
            }),
          );
        case "computed":
          return ask(object, rewrite.relation, path);
        case "from":
          return or(
            of(rewrite.tupleset).map((tuple) => ask(tuple.subject, rewrite.relation, path)),
          );
        case "union":
          return or(rewrite.children.map(judge));
        case "intersection":
          return and(rewrite.children.map(judge));
        case "difference":
          return and([judge(rewrite.base), not(judge(rewrite.subtract))]);
        default:
          return rewrite satisfies never;
      }
    };
    const definition = relationOf(model, object.split(":")[0] ?? "", relation);
    return definition === undefined ? false : judge(definition.rewrite);
  };
  return (object: string, relation: string) => ask(object, relation, []);
};

const subjects = [
  ...users,
  "user:*",
  ...groups.map((group) => `${group}#member`),
  ...docs.flatMap((doc) => ["viewer", "odd", "open", "closed"].map((of) => `${doc}#${of}`)),
  ...docs,
];
const anything = fc
  .record({
    subject: fc.constantFrom(...subjects),
    relation: fc.constantFrom("member", "parent", ...relations),
    object: fc.constantFrom(...groups, ...docs),
  })
  .map((tuple): ModelTuple => tuple);

describe("the interpreter, on random tuples", async () => {
  const model = await parseModel(source);
  const own = interpreter(model, { limits: { time: 60_000 } });
  const given = (tuple: ModelTuple): boolean => {
    try {
      own.checkTuple(tuple);
      return true;
    } catch {
      return false;
    }
  };
  // Only what may be given: about 20 of them.
  const allowed = fc.uniqueArray(anything.filter(given), {
    maxLength: 22,
    selector: (tuple) => JSON.stringify(tuple),
  });

  it("agrees with the definition, stored or contextual, alone or in a batch", () => {
    const seen = { true: 0, false: 0, undefined: 0 };
    fc.assert(
      fc.property(allowed, fc.constantFrom(...subjects), fc.nat(22), (tuples, subject, split) => {
        const expected = reference(model, tuples, subject);
        const questions = docs.flatMap((object) =>
          relations.map((relation) => ({ subject, relation, object })),
        );
        const batch = own.checkBatch(tupleSet(tuples), questions);
        for (const [index, question] of questions.entries()) {
          const value = expected(question.object, question.relation);
          seen[`${value}`] += 1;
          const answer =
            value === undefined ? { allowed: false, reason: "cycle" } : { allowed: value };
          expect(batch[index], JSON.stringify(question)).toEqual(answer);
        }
        const [question = { subject, relation: "odd", object: "doc:a" }] = questions;
        const parts = {
          ...question,
          relation: "odd",
          contextual: tuples.slice(split),
        };
        expect(own.check(tupleSet(tuples.slice(0, split)), parts).allowed).toBe(
          expected(parts.object, "odd") ?? false,
        );
      }),
      { numRuns: 150 },
    );
    expect(Math.min(...Object.values(seen))).toBeGreaterThan(20);
  });

  it("lists what check allows, and nothing else", () => {
    let listed = 0;
    fc.assert(
      fc.property(allowed, fc.constantFrom(...relations), (tuples, relation) => {
        const reader = tupleSet(tuples);
        const may = (subject: string, object: string): boolean =>
          own.check(reader, { subject, relation, object }).allowed;
        for (const subject of subjects) {
          const question = { subject, relation, type: "doc" };
          const { found, indeterminate } = own.listObjects(reader, question);
          expect(indeterminate).toBe(false);
          expect(found).toEqual(docs.filter((object) => may(subject, object)));
          listed += found.length;
        }
        for (const object of docs) {
          const { found } = own.listSubjects(reader, { relation, object, filter: "user" });
          for (const subject of found) expect(may(subject, object), subject).toBe(true);
          // Whoever may and is not named is one of those that a wildcard stands for.
          const unnamed = users.filter((user) => may(user, object) && !found.includes(user));
          expect(unnamed.length === 0 || found.includes("user:*")).toBe(true);
          const sets = own.listSubjects(reader, { relation, object, filter: "group#member" });
          const expected = groups.map((group) => `${group}#member`);
          expect(sets.found).toEqual(expected.filter((set) => may(set, object)));
        }
      }),
      { numRuns: 60 },
    );
    expect(listed).toBeGreaterThan(100);
  });
});
