import type { Context, TenantRecord } from "@bulkhead/contract";
import type { FoundAt, Grounds, ObjectRef, RelationTuple, Tuples } from "../ports-relations.ts";
import type { TenantStore } from "../ports.ts";
import { mayGrant } from "./may-grant.ts";

export interface GrantingOptions {
  readonly tuples: Pick<Tuples, "revisions">;
  readonly tenants: Pick<TenantStore, "byUid">;
  readonly grounds: Pick<Grounds, "find">;
}

/** What a grant stands on once it has been judged. */
export interface Granting {
  readonly tenant: TenantRecord | undefined;
  /** Where the object is looked up again in the granting transaction. */
  readonly found: FoundAt | undefined;
}

/**
 * Judges a grant and makes the context's settlement one of the object's tenant, on a revision read before the storage is
 * asked whether the object is there: a removal since then moves it.
 */
export const beginGrant = async (
  { tuples, tenants, grounds }: GrantingOptions,
  ctx: Context,
  relation: RelationTuple["relation"],
  object: ObjectRef,
): Promise<Granting> => {
  const { settlement, principal } = ctx;
  const tenant = await tenants.byUid(object.tenant);
  await mayGrant(ctx, relation, object, tenant);
  settlement.tenant = object.tenant;
  if (principal.tenant?.uid !== object.tenant) {
    const more = await tuples.revisions([object.tenant]);
    settlement.revisions = [
      ...settlement.revisions.filter(({ tenant: uid }) => uid !== object.tenant),
      ...more.map(({ tenant: uid, epoch, n }) => ({ tenant: uid, epoch, n })),
    ];
  }
  return {
    tenant,
    found: object.type === "file" ? await grounds.find(ctx, object.path) : undefined,
  };
};
