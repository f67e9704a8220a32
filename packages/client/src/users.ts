import type { UserInput, UserPatch, UserRecord } from "@bulkhead/contract";
import { recordPage, type WireUser, wireUser } from "@bulkhead/wire";
import type { CallOptions } from "./options.ts";
import { posted, type PostOptions } from "./post.ts";
import { allRecords, type RecordListOptions, removed } from "./records.ts";
import { memberTarget, recordTarget } from "./target.ts";
import type { Transport } from "./transport.ts";

export interface UserOptions extends CallOptions {
  /** `user` by default. */
  readonly type?: UserRecord["type"] | undefined;
}

/** The people, agents and services of a tenant. */
export interface Users {
  readonly create: (tenant: string, input: UserInput, options?: PostOptions) => Promise<WireUser>;
  readonly list: (
    tenant: string,
    filter?: { readonly type?: UserRecord["type"] | undefined },
    options?: RecordListOptions,
  ) => AsyncGenerator<WireUser, void, undefined>;
  readonly get: (tenant: string, id: string, options?: UserOptions) => Promise<WireUser>;
  readonly update: (
    tenant: string,
    id: string,
    patch: UserPatch,
    options?: UserOptions,
  ) => Promise<WireUser>;
  /** Ends its keys and every relation that names it; whoever gets the id next inherits nothing. */
  readonly delete: (tenant: string, id: string, options?: UserOptions) => Promise<void>;
}

const page = recordPage(wireUser);

export const createUsers = (transport: Transport): Users => ({
  create: async (tenant, input, options = {}) =>
    posted(transport, recordTarget("tenants", tenant, "users"), input, options, wireUser),
  list: (tenant, { type } = {}, options = {}) =>
    allRecords(transport, recordTarget("tenants", tenant, "users"), { type }, options, page),
  get: async (tenant, id, { type, signal } = {}) =>
    transport.ask(
      {
        method: "GET",
        target: memberTarget(tenant, "users", id),
        query: { type },
        signal,
        repeatable: true,
      },
      wireUser,
    ),
  update: async (tenant, id, patch, { type, signal } = {}) =>
    transport.ask(
      {
        method: "PATCH",
        target: memberTarget(tenant, "users", id),
        query: { type },
        json: patch,
        signal,
      },
      wireUser,
    ),
  delete: async (tenant, id, { type, signal } = {}) =>
    removed(transport, memberTarget(tenant, "users", id), { type }, { signal }),
});
