import {
  type Credential,
  FileError,
  type Principal,
  type Subject,
  type TenantRecord,
} from "@bulkhead/contract";
import { checkAdmin, checkWholeTenant } from "./control/check-admin.ts";
import type { Subjects } from "./ports-relations.ts";
import type { TenantStore } from "./ports.ts";
import { parseSubject } from "./relations/words.ts";

/** For whom a request is to act. */
export interface Acting {
  readonly subject: Subject;
  readonly tenant: TenantRecord;
}

export interface ActingOptions {
  readonly tenants: Pick<TenantStore, "get" | "byUid">;
  readonly subjects: Subjects;
}

const bad = (detail: string): FileError => new FileError("invalid-request", detail);

/** One answer for a subject that is not there and for one of another tenant. */
const notThere = (): FileError =>
  new FileError("forbidden", "There is no such subject in the tenant that the request names.");

const mismatch = (): FileError =>
  new FileError("tenant-mismatch", "The tenant named by the request is not the key's.");

const namespaceOf = (text: string): string => {
  const words = parseSubject(text);
  if (words.type !== "tenant") throw bad("A namespace is written tenant:acme.");
  return words.id;
};

/** The id of the tenant that `Bulkhead-Namespace` names, if it is there. Throws `invalid-request`. */
export const namedNamespace = ({ namespace }: Credential): string | undefined =>
  namespace === undefined ? undefined : namespaceOf(namespace);

/** Throws unless the key may act for the subjects of that tenant: the platform's may, and one that administers all of it. */
export const checkMayAct = (
  principal: Principal,
  tenant: Pick<TenantRecord, "uid" | "roots">,
): void => {
  checkAdmin(principal);
  if (principal.kind !== "platform" && principal.tenant?.uid !== tenant.uid) throw mismatch();
  checkWholeTenant(principal, tenant.roots);
};

/**
 * Finds whom `Bulkhead-As` names, in the tenant that `Bulkhead-Namespace` names, in the key's own, or for a platform key
 * in the only one that knows such a subject. Throws `forbidden` for a subject that is not there.
 */
export const actingFor = async (
  { tenants, subjects }: ActingOptions,
  principal: Principal,
  as: string,
  named: string | undefined,
): Promise<Acting> => {
  const { type, id } = parseSubject(as);
  if (type === "group" || type === "tenant" || id === "*")
    throw bad("A request acts for a user, an agent or a service.");
  const subject: Subject = { type, id };
  checkAdmin(principal);
  const own = principal.tenant;
  if (own !== undefined && named !== undefined && named !== own.id) throw mismatch();
  const tenant = await (own !== undefined
    ? tenants.byUid(own.uid)
    : named !== undefined
      ? tenants.get(named)
      : onlyTenantOf({ tenants, subjects }, subject));
  if (tenant === undefined) throw notThere();
  checkMayAct(principal, tenant);
  const known = await subjects.find(tenant.uid, id);
  if (!known.some((candidate) => candidate.type === type)) throw notThere();
  return { subject, tenant };
};

const onlyTenantOf = async (
  { tenants, subjects }: ActingOptions,
  subject: Subject,
): Promise<TenantRecord | undefined> => {
  const [uid, ...more] = await subjects.tenantsOf(subject, 2);
  if (more.length > 0)
    throw bad("Several tenants have such a subject; name one as Bulkhead-Namespace.");
  return uid === undefined ? undefined : tenants.byUid(uid);
};
