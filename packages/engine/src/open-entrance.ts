import type { RateLimits, VirtualPath } from "@bulkhead/contract";
import type { Ledger } from "@bulkhead/ledger";
import {
  admission,
  type AdmissionOptions,
  drawing,
  type Entrance,
  entrance,
  type FailedAttempts,
  failedAttempts,
  type ShareOptions,
  type TenantFacts,
  tenantFacts,
  throttles,
} from "@bulkhead/policy";
import type { SharePoint } from "@bulkhead/vfs";
import type { Closers } from "./closers.ts";

export interface EntranceSettings {
  /** How many requests of a tenant are worked on at once, and how many wait. */
  readonly admission?: AdmissionOptions | undefined;
  /** What a tenant without limits of its own may do; none by default. */
  readonly rateLimits?: RateLimits | undefined;
  /** Requests a minute from one address that may have no valid key; no limit by default. */
  readonly failedAuthentication?: number | undefined;
}

export interface OpenEntrance {
  readonly door: Entrance;
  /** What is known of tenants, as of a revision. */
  readonly facts: TenantFacts;
  readonly attempts: FailedAttempts;
  /** Counts what is reached through a share against the limit of its owner. */
  readonly draw: ShareOptions<SharePoint>["draw"];
}

/** How often slices that nobody uses are given back, in milliseconds. */
const sweepMs = 1000;

/** Opens what stands before every request: limits from the ledger's buckets, and places. */
export const openEntrance = (
  ledger: Ledger,
  tenantAt: (path: VirtualPath) => string | undefined,
  settings: EntranceSettings,
  opened: Closers,
): OpenEntrance => {
  const slices = drawing({ buckets: ledger.rates });
  const sweep = setInterval(() => void slices.sweep(), sweepMs).unref();
  opened.add(async () => {
    clearInterval(sweep);
    await slices.close();
  });
  const facts = tenantFacts({
    byUid: ledger.tenants.byUid,
    revisions: ledger.relations.revisions,
  });
  const door = entrance({
    admittance: admission({
      ...settings.admission,
      pressure: { ledgerDelay: ledger.delay, ...settings.admission?.pressure },
    }),
    drawing: slices,
    throttle: throttles({ reserve: ledger.rates.throttle }),
    tenantFacts: facts,
    defaults: settings.rateLimits ?? {},
    sink: ledger.denials,
    onBehalfOf: ledger.onBehalfOf,
  });
  return {
    door,
    facts,
    attempts: failedAttempts({ perMinute: settings.failedAuthentication }),
    draw: async (ctx, points) => {
      for (const { source } of points) {
        const owner = tenantAt(source);
        if (owner !== undefined) await door.through(ctx, owner);
      }
    },
  };
};
