import {
  isUnder,
  permissionBits,
  type Principal,
  type Revision,
  type Standing,
  type Verdict,
  type VirtualPath,
} from "@bulkhead/contract";
import type { Standings } from "./standings.ts";

/** Lets a principal reach what shares give, and be judged there by the relations that carry them. */
export type Entering = (
  principal: Principal,
  revisions: readonly Revision[],
  now: number,
  sources: readonly VirtualPath[],
) => Promise<Principal>;

const whole: Verdict = {
  mask: permissionBits.can_read | permissionBits.can_write | permissionBits.can_share,
  leads: true,
  until: Infinity,
  indeterminate: false,
};

/** The standing of a capability that reaches through shares: relations behind them, within its prefix its scopes alone. */
const behindShares = (behind: Standing, sources: readonly VirtualPath[]): Standing => {
  const isBehind = (path: VirtualPath): boolean => sources.some((source) => isUnder(source, path));
  return {
    admin: false,
    reach: (path) => (isBehind(path) ? behind.reach(path) : undefined),
    revisionsOf: (paths) => behind.revisionsOf(paths.filter(isBehind)),
    verdict: (path) => (isBehind(path) ? behind.verdict(path) : whole),
    listing: (directory) => (isBehind(directory) ? behind.listing(directory) : () => whole),
    closedBelow: (path) => isBehind(path) && behind.closedBelow(path),
    unblocks: (from, to) => isBehind(from) && behind.unblocks(from, to),
  };
};

export const entering =
  (standings: Standings): Entering =>
  async (principal, revisions, now, sources) => {
    const { kind, tenant, reach } = principal;
    if (kind === "platform" || tenant === undefined) return principal;
    const entered: Principal = {
      ...principal,
      via: [...(principal.via ?? []), ...sources],
      reach: { home: reach.home, bounds: [...reach.bounds, ...sources] },
    };
    // An identity is judged by relations wherever it is.
    if (kind === "identity") return entered;
    const revision = revisions.find((candidate) => candidate.tenant === tenant.uid);
    if (revision === undefined) return principal;
    const { standing } = await standings(tenant, principal.subject, revision, now);
    return { ...entered, standing: behindShares(standing, entered.via ?? sources) };
  };
