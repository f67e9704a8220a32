import type { Rewrite } from "../model/model.ts";
import { relationOf } from "../model/model.ts";
import { QuestionError } from "../question-error.ts";
import type { Allowance } from "./allowance.ts";
import type { Gate } from "./gate.ts";
import { connect, constant, faulty, gate, seal } from "./gate.ts";
import type { ModelTuple } from "./model-tuple.ts";
import { parseSubject, typeOfObject } from "./model-tuple.ts";
import type { Rules } from "./rules.ts";
import type { TupleReader } from "./tuple-set.ts";

/** `cycle` and `indeterminate` deny. */
export type Answer = "allowed" | "denied" | "cycle" | "indeterminate";

/**
 * `holds` is OpenFGA's check. `named` is narrower: whether the subject has the relation by tuples that name it, or a
 * userset that it is in, and not only because a wildcard includes it; that is whom a list of subjects names beside the wildcard.
 */
export type Mode = "holds" | "named";

/** What it costs to judge a condition, in steps. */
export const stepsOfCondition = 20;

interface Node {
  readonly gate: Gate;
  readonly object: string;
  readonly relation: string;
  readonly mode: Mode;
  expanded: boolean;
  readonly next: Node[];
}

/**
 * Answers questions about one subject; what it found out for one serves the next. Once an allowance is spent it is
 * incomplete, and of no use to further questions.
 */
export interface Solver {
  /** Throws `QuestionError` where a condition that decides cannot be judged. */
  readonly ask: (object: string, relation: string, allowance: Allowance, mode?: Mode) => Answer;
}

export const solver = (
  rules: Rules,
  reader: TupleReader,
  subject: string,
  context: Readonly<Record<string, unknown>> | undefined,
  maxDepth: number,
): Solver => {
  let allowance: Allowance = { spend: () => false, spent: () => true };
  const nodes = new Map<string, Node>();
  const parts = parseSubject(subject);
  const everybody =
    parts === undefined || parts.relation !== undefined || parts.id === "*"
      ? undefined
      : `${parts.type}:*`;

  const nodeOf = (object: string, relation: string, mode: Mode): Node => {
    const key = `${mode} ${object}#${relation}`;
    let node = nodes.get(key);
    if (node === undefined) {
      const isItself = `${object}#${relation}` === subject;
      node = {
        gate: isItself ? constant(true) : gate("or"),
        object,
        relation,
        mode,
        expanded: isItself,
        next: [],
      };
      nodes.set(key, node);
    }
    return node;
  };
  const lead = (from: Node, object: string, relation: string): Gate => {
    const node = nodeOf(object, relation, from.mode);
    from.next.push(node);
    return node.gate;
  };
  /** What a tuple lets through: what it leads to, if its condition holds. */
  const under = (tuple: ModelTuple, into: () => Gate): Gate => {
    if (tuple.condition !== undefined) allowance.spend(stepsOfCondition);
    try {
      return rules.holds(tuple, context) ? into() : constant(false);
    } catch (error) {
      if (!(error instanceof QuestionError)) throw error;
      const both = gate("and");
      connect(both, faulty(error));
      connect(both, into());
      seal(both);
      return both;
    }
  };

  const direct = (node: Node): Gate => {
    const any = gate("or");
    const group = reader.group(node.object, node.relation);
    const naming = [
      ...group.naming(subject),
      ...(everybody === undefined || node.mode === "named" ? [] : group.naming(everybody)),
    ];
    for (const tuple of naming)
      if (rules.allows(tuple))
        connect(
          any,
          under(tuple, () => constant(true)),
        );
    for (const tuple of group.usersets) {
      if (any.value !== undefined || !allowance.spend()) break;
      const userset = parseSubject(tuple.subject);
      if (userset?.relation === undefined || !rules.allows(tuple)) continue;
      const { type, id, relation } = userset;
      connect(
        any,
        under(tuple, () => lead(node, `${type}:${id}`, relation)),
      );
    }
    // Out of steps, it must not be taken for complete.
    if (!allowance.spent()) seal(any);
    return any;
  };
  const from = (node: Node, tupleset: string, relation: string): Gate => {
    const any = gate("or");
    for (const tuple of reader.group(node.object, tupleset).all) {
      if (!allowance.spend()) break;
      const type = typeOfObject(tuple.subject);
      if (type === undefined || !rules.allows(tuple)) continue;
      if (relationOf(rules.model, type, relation) === undefined) continue;
      connect(
        any,
        under(tuple, () => lead(node, tuple.subject, relation)),
      );
    }
    if (!allowance.spent()) seal(any);
    return any;
  };
  const build = (node: Node, rewrite: Rewrite): Gate => {
    const combine = (op: Gate["op"], inputs: readonly Gate[]): Gate => {
      const combined = gate(op);
      for (const input of inputs) connect(combined, input);
      seal(combined);
      return combined;
    };
    /** The same part of the rewrite, asked whether it holds at all. */
    const asHolds = (part: Rewrite): Gate => build({ ...node, mode: "holds" }, part);
    switch (rewrite.kind) {
      case "direct":
        return direct(node);
      case "computed":
        return lead(node, node.object, rewrite.relation);
      case "from":
        return from(node, rewrite.tupleset, rewrite.relation);
      case "union":
        return combine(
          "or",
          rewrite.children.map((child) => build(node, child)),
        );
      case "intersection": {
        const all = rewrite.children.map(asHolds);
        if (node.mode === "holds") return combine("and", all);
        const named = rewrite.children.map((child) => build(node, child));
        return combine("and", [...all, combine("or", named)]);
      }
      case "difference": {
        const both = gate("and");
        connect(both, build(node, rewrite.base));
        connect(both, asHolds(rewrite.subtract), true);
        seal(both);
        return both;
      }
      default:
        return rewrite satisfies never;
    }
  };
  const expand = (node: Node): void => {
    node.expanded = true;
    const type = typeOfObject(node.object) ?? "";
    const definition = relationOf(rules.model, type, node.relation);
    if (definition !== undefined) connect(node.gate, build(node, definition.rewrite));
    seal(node.gate);
  };

  /** Looks further and further from the question, until it is answered or nothing is left to look at. */
  const explore = (root: Node): void => {
    const seen = new Set([root]);
    let wave = [root];
    for (let depth = 0; wave.length > 0 && depth <= maxDepth; depth += 1) {
      const next: Node[] = [];
      for (const node of wave) {
        if (root.gate.value !== undefined) return;
        if (node.gate.value !== undefined) continue;
        if (!node.expanded) {
          if (!allowance.spend()) return;
          expand(node);
        }
        for (const child of node.next)
          if (!seen.has(child)) {
            seen.add(child);
            next.push(child);
          }
      }
      wave = next;
    }
  };
  /** Why it is not known: a condition that cannot be judged, something not looked at, or else only cycles. */
  const why = (root: Gate): Answer => {
    const seen = new Set([root]);
    let unfinished = false;
    for (const unknown of seen) {
      if (unknown.fault !== undefined) throw unknown.fault;
      if (!unknown.sealed) unfinished = true;
      for (const input of unknown.inputs) if (input.value === undefined) seen.add(input);
    }
    return unfinished ? "indeterminate" : "cycle";
  };
  return {
    ask: (object, relation, given, mode = "holds") => {
      allowance = given;
      const root = nodeOf(object, relation, mode);
      explore(root);
      if (root.gate.value === undefined) return why(root.gate);
      return root.gate.value ? "allowed" : "denied";
    },
  };
};
