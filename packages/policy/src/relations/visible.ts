import {
  type Context,
  FileError,
  type PageOf,
  permissionBits,
  type RelationQuery,
  type RelationRecord,
} from "@bulkhead/contract";
import { checkWholeTenant } from "../control/check-admin.ts";
import type { StoredTuple, Tuples } from "../ports-relations.ts";
import type { TenantStore } from "../ports.ts";
import { verdictFor } from "./may-grant.ts";
import type { Names } from "./names.ts";
import { parseSubject, relationOf } from "./words.ts";

export interface VisibleOptions {
  readonly tuples: Pick<Tuples, "list">;
  readonly tenants: Pick<TenantStore, "get">;
  readonly names: Names;
}

/** Relations of a page, where the caller names no limit, and at most. */
const pageLimit = 1000;

type StoreQuery = Parameters<Tuples["list"]>[0];

/** True if the caller administers all of its tenant: then it sees every relation of it, on either side. */
const seesAll = async (
  { principal }: Context,
  tenants: Pick<TenantStore, "get">,
): Promise<boolean> => {
  if (principal.kind === "platform") return true;
  if (principal.kind === "identity") return principal.standing?.admin === true;
  const own = principal.tenant && (await tenants.get(principal.tenant.id));
  try {
    checkWholeTenant(principal, own?.roots ?? []);
    return true;
  } catch {
    return false;
  }
};

/** Of a tenant that shares something, nobody else's admin sees more than what names its own tenant. */
const isOurs = ({ principal }: Context, { subject, object }: StoredTuple): boolean =>
  principal.kind === "platform" ||
  object.tenant === principal.tenant?.uid ||
  subject.tenant === principal.tenant?.uid;

/** Who cannot see all sees what it could take back, and what names it. */
const sees = async ({ principal }: Context, { subject, object }: StoredTuple): Promise<boolean> => {
  if (
    principal.kind === "identity" &&
    subject.tenant === principal.tenant?.uid &&
    subject.type === principal.subject.type &&
    subject.id === principal.subject.id
  )
    return true;
  if (object.type !== "file") return false;
  const { mask } = await verdictFor(principal, object.path);
  return (mask & permissionBits.can_share) !== 0;
};

const storeQuery = async (
  { names }: VisibleOptions,
  ctx: Context,
  query: RelationQuery,
): Promise<StoreQuery> => {
  const on =
    query.object === undefined ? undefined : await names.object(ctx, query.object, query.tenant);
  const { principal } = ctx;
  const tenant =
    on?.object.tenant ??
    (principal.tenant !== undefined || query.tenant !== undefined
      ? await names.tenant(ctx, query.tenant)
      : undefined);
  const subject = query.subject === undefined ? undefined : parseSubject(query.subject);
  const named =
    subject?.type === "tenant"
      ? await names.subject(principal, query.subject ?? "", undefined, tenant ?? "")
      : undefined;
  return {
    tenant,
    crossing: query.crossing,
    ...(named !== undefined && { subjectTenant: named.tenant }),
    ...(on?.object.type === "file" && { path: on.object.path }),
    ...(on?.object.type === "group" && { object: { type: "group", id: on.object.id } }),
    ...(on?.object.type === "tenant" && { object: { type: "tenant", id: "" } }),
    ...(subject && {
      subject: {
        type: subject.type,
        id: named?.id ?? subject.id,
        ...(subject.relation !== undefined && { relation: subject.relation }),
      },
    }),
    relation:
      query.relation === undefined || on === undefined
        ? query.relation
        : relationOf(on.object.type, query.relation),
  };
};

/** What crosses tenants is asked for from both sides of one tenant: on its objects, then of its subjects. */
const sidesOf = (asked: StoreQuery): readonly StoreQuery[] => {
  const { tenant, crossing, path, object, subjectTenant } = asked;
  if (crossing !== true || tenant === undefined) return [asked];
  if (path !== undefined || object !== undefined || subjectTenant !== undefined) return [asked];
  return [asked, { ...asked, tenant: undefined, subjectTenant: tenant }];
};

const positionOf = (after: string | undefined, sides: number): [number, string | undefined] => {
  if (after === undefined) return [0, undefined];
  const match = /^(\d)\.(.*)$/su.exec(after);
  const side = Number(match?.[1] ?? sides);
  if (side >= sides)
    throw new FileError("invalid-request", "'after' is a cursor that an earlier answer gave.");
  return [side, match?.[2] === "" ? undefined : match?.[2]];
};

/**
 * A page of the relations that the caller may see: on its tenant's objects, and those of other tenants that name its
 * tenant's subjects. Reads on until the page is full, so that what it may not see leaves no gap.
 */
export const visibleRelations = async (
  options: VisibleOptions,
  ctx: Context,
  query: RelationQuery,
): Promise<PageOf<RelationRecord>> => {
  const { tuples, tenants, names } = options;
  const limit = query.limit ?? pageLimit;
  if (!Number.isInteger(limit) || limit < 1 || limit > pageLimit)
    throw new FileError("invalid-request", `A page holds 1 to ${pageLimit} relations.`);
  const all = await seesAll(ctx, tenants);
  const asked = await storeQuery(options, ctx, query);
  const sides = sidesOf(asked);
  let [side, after] = positionOf(query.after, sides.length);
  const items: RelationRecord[] = [];
  while (side < sides.length && items.length < limit) {
    const page: PageOf<StoredTuple> = await tuples.list({
      ...sides[side],
      limit: limit - items.length,
      ...(after !== undefined && { after }),
    });
    for (const stored of page.items)
      if ((all && isOurs(ctx, stored)) || (await sees(ctx, stored)))
        items.push(await names.record(stored, ctx.principal));
    after = page.next;
    if (after === undefined) side += 1;
  }
  return side === sides.length ? { items } : { items, next: `${side}.${after ?? ""}` };
};
