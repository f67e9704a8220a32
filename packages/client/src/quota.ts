import type { QuotaAnswer, QuotaAudit, QuotaEntries, QuotaInput } from "@bulkhead/contract";
import { acceptedJob, quotaAnswer, quotaAudit, quotaEntries } from "@bulkhead/wire";
import { bulkheadError } from "./errors.ts";
import type { Jobs } from "./jobs.ts";
import type { CallOptions } from "./options.ts";
import { asked, posted, type PostOptions } from "./post.ts";
import { counterTarget, recordTarget } from "./target.ts";
import type { Transport } from "./transport.ts";

export interface QuotaOptions extends PostOptions {
  /** How many; 1 by default. */
  readonly amount?: number | undefined;
}

/** Limits and counters of tenants: the platform's to change, a tenant's admin's to see. */
export interface Quotas {
  readonly get: (tenant: string, options?: CallOptions) => Promise<QuotaEntries>;
  /** Changes the limits that are named, for the next request on. */
  readonly set: (
    tenant: string,
    limits: QuotaInput,
    options?: CallOptions,
  ) => Promise<QuotaEntries>;
  /** Says whether so much more would fit now. */
  readonly check: (
    tenant: string,
    resource: string,
    options?: Omit<QuotaOptions, "idempotencyKey">,
  ) => Promise<QuotaAnswer>;
  /** Adds to a counter, or answers `allowed: false` and adds nothing. */
  readonly increment: (
    tenant: string,
    resource: string,
    options?: QuotaOptions,
  ) => Promise<QuotaAnswer>;
  /** Counts what is really there, on every storage, beside what the counters say. Resolves once it is counted. */
  readonly audit: (tenant: string, options?: PostOptions) => Promise<QuotaAudit>;
  /** Takes from a counter. Rejects with `conflict` where that were less than nothing. */
  readonly decrement: (
    tenant: string,
    resource: string,
    options?: QuotaOptions,
  ) => Promise<QuotaAnswer>;
}

export const createQuota = (transport: Transport, jobs: Jobs): Quotas => {
  const change =
    (verb: "increment" | "decrement"): Quotas["increment"] =>
    (tenant, resource, { amount, ...options } = {}) =>
      posted(transport, counterTarget(tenant, resource, verb), { amount }, options, quotaAnswer);
  return {
    get: (tenant, { signal } = {}) =>
      transport.ask(
        {
          method: "GET",
          target: recordTarget("tenants", tenant, "quota"),
          signal,
          repeatable: true,
        },
        quotaEntries,
      ),
    set: (tenant, limits, { signal } = {}) =>
      transport.ask(
        {
          method: "PUT",
          target: recordTarget("tenants", tenant, "quota"),
          json: limits,
          signal,
          repeatable: true,
        },
        quotaEntries,
      ),
    check: (tenant, resource, { amount, ...options } = {}) =>
      asked(transport, counterTarget(tenant, resource, "check"), { amount }, options, quotaAnswer),
    audit: async (tenant, options = {}) => {
      const target = recordTarget("tenants", tenant, "quota/audit");
      const { job } = await posted(transport, target, {}, options, acceptedJob);
      const ended = await jobs.wait(job, { signal: options.signal });
      if (ended.state === "done") return quotaAudit.parse(ended.result);
      throw bulkheadError("unavailable", ended.error ?? "It could not be counted.", {
        status: 202,
        retryable: true,
      });
    },
    increment: change("increment"),
    decrement: change("decrement"),
  };
};
