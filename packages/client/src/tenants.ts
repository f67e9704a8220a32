import type {
  TenantInput,
  TenantPatch,
  TenantsHealth,
  TenantStatus,
  UpgradePreview,
  UsageReport,
} from "@bulkhead/contract";
import {
  type AcceptedJob,
  acceptedJob,
  createdTenant,
  type TenantMoveRequest,
  recordPage,
  type SuspendRequest,
  upgradePreview,
  usageReport,
  type WireJob,
  wireJob,
  type WireTenant,
  wireTenantsHealth,
  type WireUsageHistory,
  wireTenant,
} from "@bulkhead/wire";
import { bulkheadError } from "./errors.ts";
import type { Jobs } from "./jobs.ts";
import type { CallOptions } from "./options.ts";
import { asked, postHeaders, type PostOptions } from "./post.ts";
import { allRecords, type RecordListOptions } from "./records.ts";
import { recordTarget } from "./target.ts";
import type { Schema, Transport } from "./transport.ts";
import { type UsageRange, usageOver } from "./usage.ts";

export interface DeleteTenantOptions extends CallOptions {
  /** The tenant's id once more; without it the server answers `confirmation-required` with counts of what would go. */
  readonly confirm?: string | undefined;
  /** How long the data is kept after access was cut, as an ISO 8601 duration: `P0D`, `P30D`. */
  readonly grace?: string | undefined;
}

export interface CreateTenantOptions extends PostOptions {
  /** False: answers at once where a database has to be made first, with a tenant that is `provisioning`. */
  readonly wait?: boolean | undefined;
  /** Told of the job that makes the tenant's database, where there is one. */
  readonly onJob?: ((job: string) => void) | undefined;
}

/** Tenants: for the platform key; a tenant's admin key sees and changes its own. */
export interface Tenants {
  /** Resolves once the tenant serves: where a database has to be made first, when that has been. */
  readonly create: (input: TenantInput, options?: CreateTenantOptions) => Promise<WireTenant>;
  readonly list: (
    filter?: { readonly status?: TenantStatus | undefined },
    options?: RecordListOptions,
  ) => AsyncGenerator<WireTenant, void, undefined>;
  readonly get: (id: string, options?: CallOptions) => Promise<WireTenant>;
  readonly update: (id: string, patch: TenantPatch, options?: CallOptions) => Promise<WireTenant>;
  /** Resolves once no request of the tenant's keys can succeed any more. */
  readonly suspend: (
    id: string,
    input?: SuspendRequest,
    options?: PostOptions,
  ) => Promise<WireTenant>;
  readonly reactivate: (id: string, options?: PostOptions) => Promise<WireTenant>;
  /** Puts the tenant on a plan. Its limits hold for the next request, on every server; a trial ends. */
  readonly upgrade: (id: string, plan: string, options?: PostOptions) => Promise<WireTenant>;
  /** Says what another plan would change, and changes nothing. */
  readonly previewUpgrade: (
    id: string,
    plan: string,
    options?: CallOptions,
  ) => Promise<UpgradePreview>;
  /** What the tenant uses of what it may. */
  readonly usage: (id: string, options?: CallOptions) => Promise<UsageReport>;
  /** How all tenants are; for the platform key. */
  readonly health: (options?: CallOptions) => Promise<TenantsHealth>;
  /** Tells what a tenant used over time: requests, bytes, users. Its admin key may ask for its own. */
  readonly usageOver: (
    id: string,
    range?: UsageRange,
    options?: CallOptions,
  ) => Promise<WireUsageHistory>;
  /** Cuts access, and begins a job that removes everything. */
  readonly delete: (id: string, options?: DeleteTenantOptions) => Promise<AcceptedJob>;
  /** Begins a job that brings what the tenant has to another placement; `jobs.abort` gives it up. */
  readonly move: (id: string, to: TenantMoveRequest, options?: PostOptions) => Promise<AcceptedJob>;
  /** The job of the tenant's latest move. */
  readonly moveOf: (id: string, options?: CallOptions) => Promise<WireJob>;
}

const page = recordPage(wireTenant);

export const createTenants = (transport: Transport, jobs: Jobs): Tenants => {
  const ask = <T>(
    target: string,
    json: unknown,
    options: PostOptions,
    answer: Schema<T>,
  ): Promise<T> =>
    transport.ask(
      {
        method: "POST",
        target,
        headers: postHeaders(options),
        json,
        signal: options.signal,
        repeatable: true,
      },
      answer,
    );
  const post = (target: string, json: unknown, options: PostOptions): Promise<WireTenant> =>
    ask(target, json, options, wireTenant);
  const get: Tenants["get"] = async (id, options = {}) =>
    transport.ask(
      {
        method: "GET",
        target: recordTarget("tenants", id),
        signal: options.signal,
        repeatable: true,
      },
      wireTenant,
    );
  return {
    create: async (input, options = {}) => {
      const answer = await ask("/v1/tenants", input, options, createdTenant);
      if (!("job" in answer)) return answer;
      options.onJob?.(answer.job);
      if (options.wait === false) return answer.tenant;
      const { signal } = options;
      const job = await jobs.wait(answer.job, { signal, intervalMs: 500 });
      if (job.state === "dead")
        throw bulkheadError("internal", `Job ${job.id} failed: ${job.error ?? "no reason given"}`, {
          status: 202,
          retryable: false,
        });
      return get(answer.tenant.id, { signal });
    },
    list: (filter = {}, options = {}) =>
      allRecords(transport, "/v1/tenants", { status: filter.status }, options, page),
    get,
    update: async (id, patch, options = {}) =>
      transport.ask(
        {
          method: "PATCH",
          target: recordTarget("tenants", id),
          json: patch,
          signal: options.signal,
        },
        wireTenant,
      ),
    suspend: async (id, input = {}, options = {}) =>
      post(recordTarget("tenants", id, "suspend"), input, options),
    reactivate: async (id, options = {}) =>
      post(recordTarget("tenants", id, "reactivate"), {}, options),
    upgrade: async (id, plan, options = {}) =>
      post(recordTarget("tenants", id, "upgrade"), { plan }, options),
    previewUpgrade: async (id, plan, options = {}) =>
      asked(
        transport,
        recordTarget("tenants", id, "upgrade"),
        { plan, preview: true },
        options,
        upgradePreview,
      ),
    usage: async (id, options = {}) =>
      transport.ask(
        {
          method: "GET",
          target: recordTarget("tenants", id, "usage"),
          signal: options.signal,
          repeatable: true,
        },
        usageReport,
      ),
    health: async (options = {}) =>
      transport.ask(
        { method: "GET", target: "/v1/health/tenants", signal: options.signal, repeatable: true },
        wireTenantsHealth,
      ),
    usageOver: async (id, range, options) => usageOver(transport, id, range, options),
    delete: async (id, options = {}) =>
      transport.ask(
        {
          method: "DELETE",
          target: recordTarget("tenants", id),
          query: { confirm: options.confirm, grace: options.grace },
          signal: options.signal,
        },
        acceptedJob,
      ),
    move: async (id, to, options = {}) =>
      ask(recordTarget("tenants", id, "move"), to, options, acceptedJob),
    moveOf: async (id, options = {}) =>
      transport.ask(
        {
          method: "GET",
          target: recordTarget("tenants", id, "move"),
          signal: options.signal,
          repeatable: true,
        },
        wireJob,
      ),
  };
};
