import type { Revision, TenantRecord } from "@bulkhead/contract";

/** What of a tenant its rates follow from, and its settings. */
export type RatedTenant = Pick<TenantRecord, "uid" | "limits" | "rateLimits" | "settings">;

/** Answers no older than the tenant's revision among those. */
export type TenantFacts = (
  uid: string,
  revisions: readonly Revision[],
) => Promise<RatedTenant | undefined>;

export interface TenantFactsOptions {
  readonly byUid: (uid: string) => Promise<RatedTenant | undefined>;
  /** Where the tenants stand now. */
  readonly revisions: (uids: readonly string[]) => Promise<readonly Revision[]>;
  /** Of how many tenants they are kept; 20,000 by default. */
  readonly most?: number;
}

interface Kept {
  readonly revision: Revision;
  readonly facts: Promise<RatedTenant | undefined>;
}

/** Keeps what it read until the tenant's revision moves. */
export const tenantFacts = ({
  byUid,
  revisions,
  most = 20_000,
}: TenantFactsOptions): TenantFacts => {
  const kept = new Map<string, Kept>();
  return async (uid, known) => {
    const revision =
      known.find(({ tenant }) => tenant === uid) ??
      (await revisions([uid])).find(({ tenant }) => tenant === uid);
    if (revision === undefined) return undefined;
    const before = kept.get(uid);
    if (before?.revision.epoch === revision.epoch && before.revision.n >= revision.n)
      return before.facts;
    const facts = byUid(uid).then(
      (tenant) =>
        tenant && {
          uid,
          limits: tenant.limits,
          rateLimits: tenant.rateLimits,
          settings: tenant.settings,
        },
    );
    const entry = { revision, facts };
    kept.delete(uid);
    kept.set(uid, entry);
    facts.catch(() => {
      if (kept.get(uid) === entry) kept.delete(uid);
    });
    if (kept.size > most)
      for (const oldest of kept.keys()) {
        kept.delete(oldest);
        break;
      }
    return facts;
  };
};
