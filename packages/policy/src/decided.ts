import type { Principal, Revision, Settlement, VirtualPath } from "@bulkhead/contract";
import type { Call } from "@bulkhead/kit";
import type { Decision } from "./decision.ts";
import { reachAll, relationsAllow } from "./relations-allow.ts";

/** Asks all questions of one call. Resolves to when the answer ends, in milliseconds, or rejects with what the caller gets. */
export type Decide = (principal: Principal, call: Call<VirtualPath>) => number | Promise<number>;

/**
 * Asks the four questions in their order. Where relations govern the caller, those of other tenants that the call
 * touches are brought in only once the first three have passed.
 */
export const decided =
  (decisions: readonly Decision[]): Decide =>
  (principal, call) => {
    for (const decision of decisions) decision(principal, call);
    const wait = reachAll(principal, call.paths);
    if (wait === undefined) return relationsAllow(principal, call);
    return wait.then(() => relationsAllow(principal, call));
  };

/** The same questions, asked as if every access were a write: for reading that is a step of writing. */
export const asWrite =
  (decide: Decide): Decide =>
  (principal, call) =>
    decide(principal, {
      ...call,
      touches: call.touches.map(({ path }) => ({ path, access: "write" })),
    });

/** Makes a settlement stand on the revisions of an admission and on those of the other tenants that `paths` touch. */
export const standOn = (
  settlement: Settlement,
  revisions: readonly Revision[],
  { standing }: Principal,
  paths: readonly VirtualPath[],
): void => {
  const more = standing?.revisionsOf(paths) ?? [];
  settlement.revisions =
    more.length === 0
      ? revisions
      : [
          ...revisions.filter(({ tenant }) => !more.some((other) => other.tenant === tenant)),
          ...more,
        ];
};
