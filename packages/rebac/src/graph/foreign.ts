import { isUnder, segmentsBelow, segmentsOf, type VirtualPath } from "@bulkhead/contract";
import type { Asking, Held } from "./asking.ts";
import { joinPath } from "./join-path.ts";
import { keptEnd } from "./relations.ts";
import { standsUntil } from "./ring.ts";
import { everybody, keyOf, numberOf } from "./subjects.ts";
import type { Tuple } from "./types.ts";

/** The key of the subject of a relation that reaches from this tenant into another; undefined where the model has none. */
const keyOfForeign = (home: string, { subject, relation, object }: Tuple): string | undefined => {
  if (subject.tenant !== home || object.type !== "file") return undefined;
  if (relation !== "viewer" && relation !== "editor") return undefined;
  const key = keyOf(subject);
  return key !== undefined && (key === everybody || key.slice(1) !== "*") ? key : undefined;
};

export const addForeign = (on: Held, tuple: Tuple): void => {
  const key = keyOfForeign(on.subjects.tenant, tuple);
  if (key === undefined) return;
  const number = numberOf(on.subjects, key);
  const held = on.foreign.get(number);
  if (held === undefined) on.foreign.set(number, [tuple]);
  else held.push(tuple);
  on.foreignCount += 1;
};

const isSame = (a: Tuple, b: Tuple): boolean =>
  a.object.type === "file" &&
  b.object.type === "file" &&
  a.object.path === b.object.path &&
  a.object.tenant === b.object.tenant &&
  a.relation === b.relation &&
  keptEnd(a.expiresAt) === keptEnd(b.expiresAt) &&
  (a.belowOnly === true) === (b.belowOnly === true);

export const dropForeign = (on: Held, tuple: Tuple): void => {
  const number = on.subjects.numbers.get(keyOfForeign(on.subjects.tenant, tuple) ?? "");
  const held = number === undefined ? undefined : on.foreign.get(number);
  const index = held?.findIndex((each) => isSame(each, tuple)) ?? -1;
  if (number === undefined || held === undefined || index < 0) return;
  const last = held.pop();
  if (index < held.length && last !== undefined) held[index] = last;
  if (held.length === 0) on.foreign.delete(number);
  on.foreignCount -= 1;
};

const rewrite = (on: Held, each: (tuple: Tuple, path: VirtualPath) => Tuple | undefined): void => {
  for (const [number, tuples] of on.foreign) {
    const kept = tuples.flatMap((tuple) => {
      const after = tuple.object.type === "file" ? each(tuple, tuple.object.path) : tuple;
      return after === undefined ? [] : [after];
    });
    on.foreignCount += kept.length - tuples.length;
    if (kept.length === 0) on.foreign.delete(number);
    else on.foreign.set(number, kept);
  }
};

/** What another tenant moved is moved here too. */
export const moveForeign = (on: Held, from: VirtualPath, to: VirtualPath): void => {
  if (isUnder(from, to)) return;
  rewrite(on, (tuple, path) => {
    const rest = segmentsBelow(from, path);
    if (rest === undefined || tuple.object.type !== "file") return tuple;
    const target = joinPath([...segmentsOf(to), ...rest]);
    return target && { ...tuple, object: { ...tuple.object, path: target } };
  });
};

export const purgeForeign = (on: Held, path: VirtualPath): void =>
  rewrite(on, (tuple, at) => (isUnder(path, at) ? undefined : tuple));

/** The paths in other tenants that a live relation names for a closure, each once. */
export const foreignPaths = ({ held, ring, now }: Asking): readonly VirtualPath[] => {
  const paths = new Set<VirtualPath>();
  for (const number of ring.numbers) {
    if (standsUntil(ring, number) <= now) continue;
    for (const { object, expiresAt } of held.foreign.get(number) ?? [])
      if (object.type === "file" && (expiresAt === undefined || expiresAt > now))
        paths.add(object.path);
  }
  return [...paths];
};
