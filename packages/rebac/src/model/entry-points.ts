import type { Model, Rewrite } from "./model.ts";
import { relationOf } from "./model.ts";

/**
 * Tells which relations can hold for anybody at all: that some tuple, without going round in a circle, leads there.
 * A fixpoint over all relations at once, so that models that repeat themselves cost no more than others.
 */
export const hasEntryPoints = (model: Model): ((type: string, relation: string) => boolean) => {
  const reached = new Set<string>();
  const has = (type: string, relation: string): boolean => reached.has(`${type}#${relation}`);
  const holds = (type: string, relation: string, rewrite: Rewrite): boolean => {
    switch (rewrite.kind) {
      case "direct":
        return (relationOf(model, type, relation)?.restrictions ?? []).some(
          (entry) => entry.relation === undefined || has(entry.type, entry.relation),
        );
      case "computed":
        return has(type, rewrite.relation);
      case "from":
        return (relationOf(model, type, rewrite.tupleset)?.restrictions ?? []).some((entry) =>
          has(entry.type, rewrite.relation),
        );
      case "union":
        return rewrite.children.some((child) => holds(type, relation, child));
      case "intersection":
        return rewrite.children.every((child) => holds(type, relation, child));
      case "difference":
        return holds(type, relation, rewrite.base) && holds(type, relation, rewrite.subtract);
      default:
        return rewrite satisfies never;
    }
  };
  for (let before = -1; before !== reached.size;) {
    before = reached.size;
    for (const [type, relations] of Object.entries(model.types))
      for (const [relation, { rewrite }] of Object.entries(relations))
        if (!has(type, relation) && holds(type, relation, rewrite))
          reached.add(`${type}#${relation}`);
  }
  return has;
};
