import type { TenantInput, TenantPatch, TenantStatus } from "@bulkhead/contract";
import {
  type AcceptedJob,
  acceptedJob,
  recordPage,
  type SuspendRequest,
  type WireTenant,
  wireTenant,
} from "@bulkhead/wire";
import type { CallOptions } from "./options.ts";
import { postHeaders, type PostOptions } from "./post.ts";
import { allRecords, type RecordListOptions } from "./records.ts";
import { recordTarget } from "./target.ts";
import type { Transport } from "./transport.ts";

export interface DeleteTenantOptions extends CallOptions {
  /** The tenant's id once more; without it the server answers `confirmation-required` with counts of what would go. */
  readonly confirm?: string | undefined;
  /** How long the data is kept after access was cut, as an ISO 8601 duration: `P0D`, `P30D`. */
  readonly grace?: string | undefined;
}

/** Tenants: for the platform key; a tenant's admin key sees and changes its own. */
export interface Tenants {
  readonly create: (input: TenantInput, options?: PostOptions) => Promise<WireTenant>;
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
  /** Cuts access, and begins a job that removes everything. */
  readonly delete: (id: string, options?: DeleteTenantOptions) => Promise<AcceptedJob>;
}

const page = recordPage(wireTenant);

export const createTenants = (transport: Transport): Tenants => {
  const post = (target: string, json: unknown, options: PostOptions): Promise<WireTenant> =>
    transport.ask(
      {
        method: "POST",
        target,
        headers: postHeaders(options),
        json,
        signal: options.signal,
        repeatable: true,
      },
      wireTenant,
    );
  return {
    create: (input, options = {}) => post("/v1/tenants", input, options),
    list: (filter = {}, options = {}) =>
      allRecords(transport, "/v1/tenants", { status: filter.status }, options, page),
    get: async (id, options = {}) =>
      transport.ask(
        {
          method: "GET",
          target: recordTarget("tenants", id),
          signal: options.signal,
          repeatable: true,
        },
        wireTenant,
      ),
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
  };
};
