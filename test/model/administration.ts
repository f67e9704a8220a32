import {
  checkAdmin,
  checkScope,
  covers,
  familyOf,
  type Key,
  type Principal,
  type Tenant,
} from "./authority.ts";
import type { Operation } from "./call.ts";
import { drop } from "./files.ts";
import { forget } from "./history.ts";
import type { Outcome, World } from "./model.ts";
import { makeRoot } from "./ground.ts";
import { isInside, names, rootOf } from "./place.ts";
import { refuse } from "./refusal.ts";
import { used } from "./room.ts";

type Administration = Extract<
  Operation,
  {
    readonly op:
      | "mint"
      | "narrow"
      | "revoke"
      | "rotate"
      | "create"
      | "suspend"
      | "reactivate"
      | "delete"
      | "limit";
  }
>;
type Of<Name extends Administration["op"]> = Extract<Administration, { readonly op: Name }>;

/** Makes and ends keys and tenants. */
export const administer = (
  world: World,
  principal: Principal,
  operation: Administration,
): Outcome => {
  switch (operation.op) {
    case "mint":
      return mint(world, principal, operation);
    case "narrow":
      return narrow(world, principal, operation);
    case "revoke": {
      const key = administered(world, principal, operation.key);
      for (const one of world.keys.values()) if (familyOf(one).includes(key)) one.revoked = true;
      return { status: 204, mutates: 1 };
    }
    case "rotate":
      return rotate(world, principal, operation);
    case "create":
      return create(world, principal, operation);
    case "suspend":
    case "reactivate": {
      const tenant = ofPlatform(world, principal, operation.tenant);
      tenant.status = operation.op === "suspend" ? "suspended" : "active";
      return { status: 200, mutates: 1, body: tenantBody(tenant) };
    }
    case "delete": {
      const tenant = ofPlatform(world, principal, operation.tenant);
      if (!operation.confirmed) refuse("confirmation-required");
      tenant.status = "deleted";
      world.tenants.delete(tenant.id);
      world.tuples = world.tuples.filter(
        ({ on, subject }) => on.tenant !== tenant && subject.tenant !== tenant,
      );
      for (const root of tenant.roots) {
        drop(world.tree, names(root));
        forget(world, root);
      }
      return { status: 202, mutates: 1, job: true };
    }
    case "limit": {
      checkScope(principal, "admin");
      const tenant = world.tenants.get(operation.tenant) ?? refuse("not-found");
      if (principal.kind !== "platform") {
        if (principal.tenant !== tenant) refuse("not-found");
        refuse("forbidden");
      }
      const { bytes, files } = operation;
      tenant.limits = { bytes, files };
      return {
        status: 200,
        mutates: 1,
        body: { limits: { bytes, files }, used: used(world, tenant) },
      };
    }
    default:
      return operation satisfies never;
  }
};

const tenantBody = ({ id, status, roots }: Tenant): Record<string, unknown> => ({
  id,
  status,
  roots: [...roots],
});

const onlyPlatform = (principal: Principal): void => {
  checkScope(principal, "admin");
  if (principal.kind !== "platform") refuse("forbidden");
};

const ofPlatform = (world: World, principal: Principal, id: string): Tenant => {
  onlyPlatform(principal);
  return world.tenants.get(id) ?? refuse("not-found");
};

const create = (
  world: World,
  principal: Principal,
  { tenant: id, root }: Of<"create">,
): Outcome => {
  onlyPlatform(principal);
  if (world.tenants.has(id)) refuse("already-exists");
  const tenant = makeRoot(world, root);
  return { status: 201, mutates: 1, body: tenantBody(tenant) };
};

const keyBody = ({ tenant, prefix, scopes }: Key): Record<string, unknown> => ({
  tenant: tenant?.id ?? null,
  prefix: prefix ?? null,
  scopes: [...scopes],
});

const coversTenant = (principal: Principal, tenant: Tenant | undefined): boolean =>
  tenant?.roots.every((root) => covers(principal, root)) ?? true;

/** The key if the caller administers it; every other is not there. */
const administered = (world: World, principal: Principal, name: string): Key => {
  checkAdmin(principal);
  const key = world.keys.get(name);
  if (key === undefined || key.tenant?.status === "deleted") return refuse("not-found");
  if (principal.kind === "platform") return key;
  const own =
    key.tenant === principal.tenant &&
    (key.prefix === undefined
      ? coversTenant(principal, principal.tenant)
      : covers(principal, key.prefix));
  return own ? key : refuse("not-found");
};

/** A prefix is a tenant's root or lies below one. */
const checkPrefix = (prefix: string): void => {
  if (rootOf(prefix) === undefined) refuse("invalid-request");
};

const checkGives = (
  principal: Principal,
  scopes: Key["scopes"],
  expiresAt: number | undefined,
): void => {
  if (!scopes.every((scope) => principal.scopes.includes(scope))) refuse("forbidden");
  if (expiresAt !== undefined && expiresAt > principal.expiresAt) refuse("forbidden");
};

const mint = (world: World, principal: Principal, wish: Of<"mint">): Outcome => {
  checkAdmin(principal);
  if (wish.prefix === undefined && wish.subject === undefined) refuse("invalid-request");
  checkGives(principal, wish.scopes ?? [], wish.expiresAt);
  if (
    principal.tenant !== undefined &&
    wish.tenant !== undefined &&
    wish.tenant !== principal.tenant.id
  )
    refuse("tenant-mismatch");
  if (wish.prefix !== undefined) {
    checkPrefix(wish.prefix);
    if (!covers(principal, wish.prefix)) refuse("outside-workspace");
  }
  const tenant = tenantOf(world, principal, wish);
  if (wish.prefix === undefined && !coversTenant(principal, tenant)) refuse("forbidden");
  const scopes =
    wish.scopes ?? (["read", "write"] as const).filter((scope) => principal.scopes.includes(scope));
  if (scopes.length === 0) refuse("forbidden");
  const key: Key = {
    name: wish.name,
    tenant,
    prefix: wish.prefix,
    subject: wish.subject,
    scopes: [...new Set(scopes)],
    parent: principal.kind === "platform" ? undefined : principal.key,
    expiresAt: wish.expiresAt ?? principal.expiresAt,
    revoked: false,
  };
  world.keys.set(key.name, key);
  if (wish.subject !== undefined && !tenant.subjects.has(wish.subject))
    tenant.subjects.set(wish.subject, false);
  return { status: 201, mutates: 1, body: keyBody(key) };
};

const tenantOf = (
  world: World,
  principal: Principal,
  { tenant: named, prefix }: Of<"mint">,
): Tenant => {
  const root = prefix === undefined ? undefined : rootOf(prefix);
  if (named === undefined && principal.tenant === undefined) {
    if (root === undefined) return refuse("invalid-request");
    return (
      [...world.tenants.values()].find(({ roots }) => roots.includes(root)) ?? refuse("not-found")
    );
  }
  const tenant = world.tenants.get(named ?? principal.tenant?.id ?? "") ?? refuse("not-found");
  if (root !== undefined && !tenant.roots.includes(root)) refuse("invalid-request");
  return tenant;
};

const narrow = (
  world: World,
  principal: Principal,
  { key: name, scopes, prefix }: Of<"narrow">,
): Outcome => {
  const key = administered(world, principal, name);
  checkGives(principal, scopes ?? [], undefined);
  if (scopes?.every((scope) => key.scopes.includes(scope)) === false) refuse("invalid-request");
  if (prefix !== undefined) {
    checkPrefix(prefix);
    if (key.prefix === undefined || !isInside(key.prefix, prefix)) refuse("invalid-request");
  }
  if (key.revoked) refuse("not-found");
  key.scopes = key.scopes.filter((scope) => scopes?.includes(scope) ?? true);
  key.prefix = prefix ?? key.prefix;
  return { status: 200, mutates: 1, body: keyBody(key) };
};

/** A successor takes the place of a key in its family; the old one lives for the overlap. */
const rotate = (world: World, principal: Principal, wish: Of<"rotate">): Outcome => {
  const old = administered(world, principal, wish.key);
  checkGives(principal, old.scopes, undefined);
  if (principal.kind !== "platform" && !familyOf(old).includes(principal.key)) refuse("forbidden");
  if (old.revoked || old.expiresAt <= world.now) refuse("not-found");
  const successor: Key = { ...old, name: wish.name };
  for (const key of world.keys.values()) if (key.parent === old) key.parent = successor;
  world.keys.set(successor.name, successor);
  old.expiresAt = Math.min(old.expiresAt, world.now + wish.overlapSeconds * 1000);
  return { status: 201, mutates: 1, body: keyBody(successor) };
};
