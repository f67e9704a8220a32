import { isUnder, type VirtualPath } from "@bulkhead/contract";
import { canRead, canShare, canWrite, type SubjectRef, type Tuple } from "../graph/types.ts";

// A naive reading of the built-in model over a plain list of tuples: recursive, quadratic, and with nothing kept.

export const own = "tenant-t";
export const other = "tenant-s";

export const isLive = (tuple: Tuple, now: number): boolean =>
  tuple.expiresAt === undefined || now < tuple.expiresAt;
const isSubject = (a: SubjectRef, b: SubjectRef): boolean =>
  a.tenant === b.tenant && a.type === b.type && a.id === b.id;

export type Answer = "yes" | "no" | "cycle";
const either = (a: Answer, b: () => Answer): Answer => {
  if (a === "yes") return a;
  const second = b();
  return second === "yes" ? second : a === "cycle" ? a : second;
};

/** Whether `who` is what a tuple names, as a resolver that follows members of members finds it. */
export const names = (
  tuples: readonly Tuple[],
  { subject, object }: Tuple,
  who: SubjectRef,
  now: number,
  path: readonly string[] = [],
): Answer => {
  if (subject.id === "*")
    return who.type === subject.type && who.tenant === object.tenant ? "yes" : "no";
  if (subject.type === "tenant") return who.tenant === subject.tenant ? "yes" : "no";
  if (isSubject(subject, who)) return "yes";
  if (subject.type !== "group") return "no";
  if (path.includes(subject.id)) return "cycle";
  return tuples
    .filter(
      (each) =>
        each.object.type === "group" &&
        each.object.tenant === subject.tenant &&
        each.object.id === subject.id &&
        isLive(each, now),
    )
    .reduce<Answer>(
      (found, each) => either(found, () => names(tuples, each, who, now, [...path, subject.id])),
      "no",
    );
};

export const roles = (
  tuples: readonly Tuple[],
  who: SubjectRef,
  path: VirtualPath,
  now: number,
): ReadonlySet<string> => {
  const found = new Set<string>();
  for (const tuple of tuples) {
    const { object, relation } = tuple;
    if (object.tenant !== own || !isLive(tuple, now)) continue;
    if (
      object.type === "tenant" &&
      relation === "admin" &&
      names(tuples, tuple, who, now) === "yes"
    )
      found.add("admin");
    if (object.type !== "file" || !isUnder(object.path, path)) continue;
    if (tuple.belowOnly === true && object.path === path) continue;
    const answer = names(tuples, tuple, who, now);
    if (answer === "yes" || (relation === "blocked" && answer === "cycle")) found.add(relation);
  }
  return found;
};

export const maskOf = (
  has: ReadonlySet<string>,
  isBlocked: boolean = has.has("blocked"),
): number => {
  const any = (...wanted: readonly string[]): boolean =>
    has.has("admin") || (!isBlocked && wanted.some((role) => has.has(role)));
  return (
    (any("owner", "editor", "viewer") ? canRead : 0) |
    (any("owner", "editor") ? canWrite : 0) |
    (any("owner") ? canShare : 0)
  );
};

/** The first moment at which something less would be given, were blocks to stay as they are. */
export const untilOf = (
  tuples: readonly Tuple[],
  who: SubjectRef,
  path: VirtualPath,
  now: number,
): number => {
  const before = roles(tuples, who, path, now);
  const mask = maskOf(before);
  const ends = tuples.flatMap(({ expiresAt = 0 }) => (expiresAt > now ? [expiresAt] : []));
  return Math.min(
    ...ends.filter(
      (end) => (mask & ~maskOf(roles(tuples, who, path, end), before.has("blocked"))) !== 0,
    ),
    Infinity,
  );
};
