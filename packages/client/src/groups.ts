import {
  recordPage,
  type WireGrant,
  type WireGroup,
  wireGroup,
  type WireRelation,
} from "@bulkhead/wire";
import type { CallOptions } from "./options.ts";
import { posted, type PostOptions } from "./post.ts";
import { allRecords, type RecordListOptions, removed } from "./records.ts";
import type { Relations } from "./relations.ts";
import { memberTarget, recordTarget } from "./target.ts";
import type { Transport } from "./transport.ts";

export interface MembershipOptions extends PostOptions {
  /** RFC 3339. */
  readonly expiresAt?: string | undefined;
}

/** Groups of a tenant. Who is in one are relations `member` on `group:<id>`. */
export interface Groups {
  readonly create: (tenant: string, id: string, options?: PostOptions) => Promise<WireGroup>;
  readonly list: (
    tenant: string,
    options?: RecordListOptions,
  ) => AsyncGenerator<WireGroup, void, undefined>;
  /** Ends the group and every relation that names it. */
  readonly delete: (tenant: string, id: string, options?: CallOptions) => Promise<void>;
  /** Puts a subject of the tenant, or the members of another group (`group:b#member`), in. */
  readonly add: (
    tenant: string,
    id: string,
    subject: string,
    options?: MembershipOptions,
  ) => Promise<WireGrant>;
  /** Takes a subject out. Rejects with `not-found` where it is not in. */
  readonly remove: (
    tenant: string,
    id: string,
    subject: string,
    options?: CallOptions,
  ) => Promise<void>;
  readonly members: (
    tenant: string,
    id: string,
    options?: RecordListOptions,
  ) => AsyncGenerator<WireRelation, void, undefined>;
}

const page = recordPage(wireGroup);

export const createGroups = (transport: Transport, relations: Relations): Groups => {
  const membership = (tenant: string, id: string) => ({
    tenant,
    relation: "member",
    object: `group:${id}`,
  });
  return {
    create: async (tenant, id, options = {}) =>
      posted(transport, recordTarget("tenants", tenant, "groups"), { id }, options, wireGroup),
    list: (tenant, options = {}) =>
      allRecords(transport, recordTarget("tenants", tenant, "groups"), {}, options, page),
    delete: async (tenant, id, options = {}) =>
      removed(transport, memberTarget(tenant, "groups", id), {}, options),
    add: (tenant, id, subject, { expiresAt, ...options } = {}) =>
      relations.grant({ ...membership(tenant, id), subject, expiresAt }, options),
    remove: async (tenant, id, subject, options = {}) =>
      void (await relations.revokeMatching({ ...membership(tenant, id), subject }, options)),
    members: (tenant, id, options = {}) => relations.list(membership(tenant, id), options),
  };
};
