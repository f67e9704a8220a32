import {
  type Context,
  FileError,
  permissionBits,
  type Principal,
  type TenantRecord,
  type Verdict,
  type VirtualPath,
} from "@bulkhead/contract";
import { checkAdmin, checkWholeTenant, covers } from "../control/check-admin.ts";
import { checkScope } from "../decision.ts";
import type { ObjectRef, RelationTuple, SubjectRef } from "../ports-relations.ts";
import { noRelation, reachAll } from "../relations-allow.ts";

const { can_read, can_write, can_share } = permissionBits;
const everything = can_read | can_write | can_share;

const bad = (detail: string): FileError => new FileError("invalid-request", detail);
const forbidden = (detail: string): FileError => new FileError("forbidden", detail);

const needs: Readonly<Record<string, number>> = {
  owner: everything,
  editor: can_read | can_write,
  viewer: can_read,
  blocked: can_share,
};

/** Throws `invalid-request` for a relation that the built-in model has no place for. */
export const checkShape = (
  subject: SubjectRef,
  relation: RelationTuple["relation"],
  object: ObjectRef,
): void => {
  if (subject.id === "*") {
    if (object.type !== "file" || relation !== "viewer")
      throw bad("Everybody can only become viewer of a file.");
    if (subject.tenant !== object.tenant)
      throw bad("Everybody is everybody of the object's own tenant.");
  }
  if (subject.type === "tenant" && (object.type !== "file" || relation === "blocked"))
    throw bad("A tenant's members can become owner, editor or viewer of a file, and nothing else.");
  if (subject.tenant === object.tenant) return;
  if (object.type !== "file" || (relation !== "viewer" && relation !== "editor"))
    throw bad("A subject of another tenant can only become viewer or editor of a file.");
};

/** What the caller may on a file: relations where they govern it; within its prefix any other key is an owner. */
export const verdictFor = async (principal: Principal, path: VirtualPath): Promise<Verdict> => {
  const whole = { leads: true, until: Infinity, indeterminate: false };
  if (principal.kind !== "identity")
    return { ...whole, mask: covers(principal, path) ? everything : 0 };
  await reachAll(principal, [path]);
  const verdict = principal.standing?.verdict(path);
  return verdict ?? { ...whole, leads: false, mask: 0 };
};

/** What of a verdict the key's own scopes leave. */
const scoped = ({ scopes }: Principal, mask: number): number =>
  mask &
  ((scopes.includes("read") ? can_read : 0) |
    (scopes.includes("write") ? can_write : 0) |
    (scopes.includes("share") ? can_share : 0));

/**
 * Throws unless the caller may give or take a relation: who can share a file, no more than it has itself; members of
 * groups and admins of a tenant, who administers the tenant. What it cannot read is `not-found`.
 */
export const mayGrant = async (
  { principal }: Context,
  relation: RelationTuple["relation"],
  object: ObjectRef,
  tenant: Pick<TenantRecord, "uid" | "roots"> | undefined,
): Promise<void> => {
  checkScope(principal, "share");
  if (object.type !== "file") {
    if (principal.kind !== "platform" && principal.tenant?.uid !== object.tenant)
      throw new FileError("not-found", "There is no such object.");
    checkAdmin(principal);
    checkWholeTenant(principal, tenant?.roots ?? []);
    return;
  }
  const { mask } = await verdictFor(principal, object.path);
  if ((mask & can_read) === 0) throw noRelation();
  if ((mask & can_share) === 0) throw forbidden("Who grants must be able to share the object.");
  const wanted = needs[relation] ?? everything;
  if ((scoped(principal, mask) & wanted) !== wanted)
    throw forbidden("A grant gives no more than the caller has itself.");
};
