import {
  child,
  type Context,
  FileError,
  type GroupControl,
  parseVirtualPath,
  type Settlement,
  type TenantRecord,
  type UserControl,
  type UserRecord,
  type UserRole,
  userRoles,
  type VirtualPath,
} from "@bulkhead/contract";
import type { RelationTuple, SubjectRef, UserStore } from "../ports-relations.ts";
import type { Authority, TenantStore } from "../ports.ts";
import { decidingAgain } from "../relations/again.ts";
import { checkSubjectId } from "../relations/words.ts";
import type { Audited } from "./audited.ts";
import { checkAdmin, checkWholeTenant } from "./check-admin.ts";

export interface UserControlOptions {
  readonly authority: Pick<Authority, "readmit">;
  readonly tenants: Pick<TenantStore, "get">;
  readonly users: UserStore;
  /** Makes directories of a tenant where they are missing, on the server's own account. */
  readonly makeDirectories: (
    ctx: Context,
    tenant: string,
    paths: readonly VirtualPath[],
  ) => Promise<void>;
  readonly audited: Audited;
}

type UserType = UserRecord["type"];
const userTypes: readonly string[] = ["user", "agent", "service"] satisfies readonly UserType[];
const isUserType = (type: string): type is UserType => userTypes.includes(type);

const bad = (detail: string): FileError => new FileError("invalid-request", detail);
const noSuchUser = (): FileError => new FileError("not-found", "There is no such user.");
const noSuchTenant = (): FileError => new FileError("not-found", "There is no such tenant.");

const checkEmail = (email: string | null | undefined): void => {
  if (email === undefined || email === null) return;
  if (email.length > 254 || !/^[^\s@\p{Cc}]+@[^\s@\p{Cc}]+$/u.test(email))
    throw bad("This is no e-mail address.");
};

const checkRole = (role: UserRole | undefined): void => {
  if (role !== undefined && !userRoles.includes(role))
    throw bad(`A role is one of ${userRoles.join(", ")}.`);
};

const checkName = (name: string | null | undefined): void => {
  if (name !== undefined && name !== null && (name.length > 200 || /\p{Cc}/u.test(name)))
    throw bad("A full name has at most 200 characters, and no control characters.");
};

/** Where a tenant keeps what all share, and what is each one's own. */
const placesOf = (
  tenant: TenantRecord,
  id: string,
): { readonly shared: VirtualPath; readonly home: VirtualPath } => {
  const [root] = tenant.roots;
  if (root === undefined) throw noSuchTenant();
  const at = parseVirtualPath(root);
  return { shared: child(at, "shared"), home: child(child(at, "users"), id) };
};

const tuple = (
  subject: SubjectRef,
  relation: RelationTuple["relation"],
  object: RelationTuple["object"],
): RelationTuple => ({ subject, relation, object, expiresAt: undefined });

/** What a role gives: administration, or a part in what all share. */
const roleTuple = (subject: SubjectRef, role: UserRole, shared: VirtualPath): RelationTuple => {
  const { tenant } = subject;
  switch (role) {
    case "owner":
    case "admin":
      return tuple(subject, "admin", { tenant, type: "tenant" });
    case "editor":
      return tuple(subject, "editor", { tenant, type: "file", path: shared });
    case "member":
      return tuple(subject, "viewer", { tenant, type: "file", path: shared });
    default:
      return role satisfies never;
  }
};

/** Throws unless the caller administers the whole tenant; one answer for every other tenant, existing or not. */
const administered = async (
  { tenants }: Pick<UserControlOptions, "tenants">,
  { principal }: Context,
  id: string,
): Promise<TenantRecord> => {
  if (principal.kind !== "platform" && principal.tenant?.id !== id) throw noSuchTenant();
  checkAdmin(principal);
  const tenant = await tenants.get(id);
  if (tenant === undefined) throw noSuchTenant();
  checkWholeTenant(principal, tenant.roots);
  return tenant;
};

/** Runs a change of a tenant's subjects, decided again where what it was decided on moved. */
const changing = <R>(
  options: Pick<UserControlOptions, "authority" | "tenants" | "audited">,
  ctx: Context,
  action: string,
  resource: string,
  tenantId: string,
  run: (ctx: Context, tenant: TenantRecord, settlement: Settlement) => Promise<R>,
): Promise<R> =>
  options.audited(ctx, action, resource, (settlement) =>
    decidingAgain(options.authority, ctx, settlement, async (now) => {
      const tenant = await administered(options, now, tenantId);
      settlement.tenant = tenant.uid;
      return run(now, tenant, settlement);
    }),
  );

/** Makes, shows, changes and ends the users, agents and services of a tenant, for those who administer it. */
export const userControl = (options: UserControlOptions): UserControl => {
  const { users, makeDirectories, audited } = options;

  const existing = async (
    tenant: TenantRecord,
    id: string,
    type: string | undefined,
  ): Promise<UserRecord> => {
    const named = type ?? "user";
    const user = isUserType(named) ? await users.getUser(tenant.uid, named, id) : undefined;
    if (user === undefined) throw noSuchUser();
    return user;
  };

  return {
    create: (ctx, tenantId, input) => {
      const { id, type = "user", role = "member" } = input;
      return changing(
        options,
        ctx,
        "user.create",
        `${type}:${id}`,
        tenantId,
        async (now, tenant, settlement) => {
          checkSubjectId(id);
          if (!isUserType(type)) throw bad("A user's type is user, agent or service.");
          checkEmail(input.email);
          checkRole(role);
          checkName(input.fullName);
          const { shared, home } = placesOf(tenant, id);
          if (await users.hasAccount(tenant.uid, type, id))
            throw new FileError("already-exists", "There is such a user already.");
          await makeDirectories(now, tenant.uid, [shared, home]);
          const subject: SubjectRef = { tenant: tenant.uid, type, id };
          if (settlement.audit !== undefined) settlement.audit.detail = { role };
          return users.createUser(settlement, tenant.uid, {
            type,
            id,
            email: input.email,
            fullName: input.fullName,
            role,
            relations: [
              roleTuple(subject, role, shared),
              tuple(subject, "owner", { tenant: tenant.uid, type: "file", path: home }),
            ],
          });
        },
      );
    },
    get: (ctx, tenantId, id, type) =>
      audited(ctx, "user.get", `${type ?? "user"}:${id}`, async () =>
        existing(await administered(options, ctx, tenantId), id, type),
      ),
    list: (ctx, tenantId, query) =>
      audited(ctx, "user.list", `tenant:${tenantId}`, async () => {
        const tenant = await administered(options, ctx, tenantId);
        return users.listUsers(tenant.uid, query);
      }),
    patch: (ctx, tenantId, id, patch, type) =>
      changing(
        options,
        ctx,
        "user.update",
        `${type ?? "user"}:${id}`,
        tenantId,
        async (now, tenant, settlement) => {
          const user = await existing(tenant, id, type);
          checkEmail(patch.email);
          checkRole(patch.role);
          checkName(patch.fullName);
          const { shared } = placesOf(tenant, id);
          const subject: SubjectRef = { tenant: tenant.uid, type: user.type, id };
          const change =
            patch.role === undefined || patch.role === user.role
              ? undefined
              : {
                  drop: [roleTuple(subject, user.role, shared)],
                  add: [roleTuple(subject, patch.role, shared)],
                };
          if (change !== undefined) await makeDirectories(now, tenant.uid, [shared]);
          if (settlement.audit !== undefined) settlement.audit.detail = { ...patch };
          return users.patchUser(settlement, tenant.uid, user.type, id, patch, change);
        },
      ),
    remove: (ctx, tenantId, id, type) =>
      changing(
        options,
        ctx,
        "user.delete",
        `${type ?? "user"}:${id}`,
        tenantId,
        async (_now, tenant, settlement) => {
          const named = type ?? "user";
          const known = await users.find(tenant.uid, id);
          const subject = known.find((candidate) => candidate.type === named);
          if (subject === undefined || subject.type === "group") throw noSuchUser();
          await users.remove(settlement, tenant.uid, subject.type, id);
        },
      ),
  };
};

/** Makes, shows and ends the groups of a tenant, for those who administer it. */
export const groupControl = (
  options: Omit<UserControlOptions, "makeDirectories">,
): GroupControl => {
  const { users, audited } = options;
  return {
    create: (ctx, tenantId, id) =>
      changing(options, ctx, "group.create", `group:${id}`, tenantId, async (_now, tenant, s) => {
        checkSubjectId(id);
        return { tenant: tenant.id, ...(await users.createGroup(s, tenant.uid, id)) };
      }),
    list: (ctx, tenantId, query) =>
      audited(ctx, "group.list", `tenant:${tenantId}`, async () => {
        const tenant = await administered(options, ctx, tenantId);
        const page = await users.listGroups(tenant.uid, query);
        return { ...page, items: page.items.map((group) => ({ tenant: tenant.id, ...group })) };
      }),
    remove: (ctx, tenantId, id) =>
      changing(options, ctx, "group.delete", `group:${id}`, tenantId, async (_now, tenant, s) => {
        const known = await users.find(tenant.uid, id);
        if (!known.some(({ type }) => type === "group"))
          throw new FileError("not-found", "There is no such group.");
        await users.remove(s, tenant.uid, "group", id);
      }),
  };
};
