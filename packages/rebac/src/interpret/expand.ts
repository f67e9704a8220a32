import type { ExpandNode } from "@bulkhead/contract";
import type { Rewrite } from "../model/model.ts";
import { relationOf } from "../model/model.ts";
import { typeOfObject } from "./model-tuple.ts";
import type { Rules } from "./rules.ts";
import type { TupleReader } from "./tuple-set.ts";

/** Draws who has a relation, one step deep, as OpenFGA's `expand` does. Conditions are not judged. */
export const expandRelation = (
  rules: Rules,
  reader: TupleReader,
  object: string,
  relation: string,
): ExpandNode => {
  const name = `${object}#${relation}`;
  const type = rules.checkObject(object);
  rules.checkRelation(type, relation);
  const allowed = (of: string): readonly string[] =>
    reader
      .group(object, of)
      .all.filter(rules.allows)
      .map(({ subject }) => subject);
  const draw = (rewrite: Rewrite): ExpandNode => {
    switch (rewrite.kind) {
      case "direct":
        return { kind: "leaf", name, subjects: allowed(relation).toSorted() };
      case "computed":
        return { kind: "computed", name, from: [`${object}#${rewrite.relation}`] };
      case "from": {
        const parents = allowed(rewrite.tupleset).filter((parent) =>
          relationOf(rules.model, typeOfObject(parent) ?? "", rewrite.relation),
        );
        const from = parents.map((parent) => `${parent}#${rewrite.relation}`).toSorted();
        return { kind: "computed", name, from };
      }
      case "union":
      case "intersection":
        return { kind: rewrite.kind, name, nodes: rewrite.children.map(draw) };
      case "difference":
        return {
          kind: "difference",
          name,
          nodes: [draw(rewrite.base), draw(rewrite.subtract)],
        };
      default:
        return rewrite satisfies never;
    }
  };
  const definition = relationOf(rules.model, type, relation);
  return definition === undefined ? { kind: "leaf", name, subjects: [] } : draw(definition.rewrite);
};
