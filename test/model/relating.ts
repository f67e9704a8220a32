import type { Scope } from "@bulkhead/contract";
import {
  checkAdmin,
  checkScope,
  covers,
  familyOf,
  type Principal,
  type Tenant,
  whoIs,
} from "./authority.ts";
import type { Operation } from "./call.ts";
import { lookUp, put } from "./files.ts";
import { hidden, mayAt, ownerOf, place } from "./ground.ts";
import type { Outcome, World } from "./model.ts";
import { names, spell } from "./place.ts";
import { refuse } from "./refusal.ts";
import { isAdmin, may, type On, stands, type Tuple, type Who } from "./relations.ts";

type Relating = Extract<
  Operation,
  {
    readonly op: "user" | "removeUser" | "group" | "removeGroup" | "grant" | "ungrant" | "check";
  }
>;
type Of<Name extends Relating["op"]> = Extract<Relating, { readonly op: Name }>;

/** Makes and ends users, groups and relations, and asks about them. */
export const relate = (world: World, principal: Principal, operation: Relating): Outcome => {
  switch (operation.op) {
    case "user":
      return createUser(world, principal, operation);
    case "group": {
      const tenant = administered(world, principal, operation.tenant);
      const subject = `group:${operation.id}`;
      if (tenant.subjects.has(subject)) refuse("already-exists");
      tenant.subjects.set(subject, true);
      return { status: 201, mutates: 1, body: { tenant: tenant.id, id: operation.id } };
    }
    case "removeUser":
    case "removeGroup":
      return removeSubject(world, principal, operation);
    case "grant":
      return grant(world, principal, operation);
    case "ungrant":
      return ungrant(world, principal, operation);
    case "check":
      return check(world, principal, operation);
    default:
      return operation satisfies never;
  }
};

/** The tenant, for those who administer all of it; every other tenant is not there. */
const administered = (world: World, principal: Principal, id: string): Tenant => {
  if (principal.kind !== "platform" && principal.tenant?.id !== id) refuse("not-found");
  checkAdmin(principal);
  const tenant = world.tenants.get(id) ?? refuse("not-found");
  checkWhole(principal, tenant);
  return tenant;
};

const checkWhole = (principal: Principal, { roots }: Tenant): void => {
  if (principal.kind !== "platform" && !roots.every((root) => covers(principal, root)))
    refuse("forbidden");
};

const add = (
  world: World,
  subject: Who,
  relation: string,
  on: On,
  more: Partial<Pick<Tuple, "name" | "below" | "expiresAt">> = {},
): Tuple => {
  const { name = "", below = false, expiresAt = Infinity } = more;
  const known = world.tuples.find(
    (tuple) =>
      isSame(tuple.subject, subject) &&
      tuple.relation === relation &&
      isSame(tuple.on, on) &&
      tuple.below === below,
  );
  // What is given again is renewed.
  if (known !== undefined) known.expiresAt = expiresAt;
  const tuple = known ?? { name, subject, relation, on, below, expiresAt };
  if (known === undefined) world.tuples.push(tuple);
  return tuple;
};

const isSame = (a: Who | On, b: Who | On): boolean =>
  a.tenant === b.tenant &&
  a.type === b.type &&
  ("id" in a ? a.id : "") === ("id" in b ? b.id : "") &&
  ("path" in a ? a.path : "") === ("path" in b ? b.path : "");

const createUser = (
  world: World,
  principal: Principal,
  { tenant: id, subject, role = "member" }: Of<"user">,
): Outcome => {
  const tenant = administered(world, principal, id);
  if (tenant.subjects.get(subject) === true) refuse("already-exists");
  tenant.subjects.set(subject, true);
  const who = whoIs(tenant, subject);
  const [root = ""] = tenant.roots;
  for (const path of [`${root}/shared`, `${root}/users/${who.id}`])
    if (typeof lookUp(world.tree, names(path)) === "string")
      put(world.tree, names(path), new Map());
  const shared: On = { type: "file", tenant, path: `${root}/shared` };
  if (role === "owner" || role === "admin") add(world, who, "admin", { type: "tenant", tenant });
  else add(world, who, role === "editor" ? "editor" : "viewer", shared);
  add(world, who, "owner", { type: "file", tenant, path: `${root}/users/${who.id}` });
  return { status: 201, mutates: 1, body: { tenant: id, type: who.type, id: who.id, role } };
};

/** With every relation that names it, in whatever tenant, and with its keys. */
const removeSubject = (
  world: World,
  principal: Principal,
  operation: Of<"removeUser" | "removeGroup">,
): Outcome => {
  const tenant = administered(world, principal, operation.tenant);
  const subject = operation.op === "removeUser" ? operation.subject : `group:${operation.id}`;
  if (!tenant.subjects.delete(subject)) refuse("not-found");
  const who = whoIs(tenant, subject);
  world.tuples = world.tuples.filter(
    (tuple) => !isSame(tuple.subject, who) && !(tuple.on.type === "group" && isSame(tuple.on, who)),
  );
  const ended = [...world.keys.values()].filter(
    (key) => key.tenant === tenant && key.subject === subject,
  );
  for (const key of world.keys.values())
    if (familyOf(key).some((one) => ended.includes(one))) key.revoked = true;
  return { status: 204, mutates: 1 };
};

type Asked = Of<"grant"> | Of<"check">;

const tenantNamed = (world: World, { tenant }: Principal, named: string | undefined): Tenant => {
  if (tenant === undefined && named === undefined) return refuse("invalid-request");
  if (tenant === undefined) return world.tenants.get(named ?? "") ?? refuse("not-found");
  return named === undefined || named === tenant.id ? tenant : refuse("tenant-mismatch");
};

const objectOf = (world: World, principal: Principal, asked: Asked): On => {
  const { path, group, admin } = asked;
  if (group !== undefined)
    return { type: "group", tenant: tenantNamed(world, principal, asked.tenant), id: group };
  if (admin !== undefined) return { type: "tenant", tenant: tenantNamed(world, principal, admin) };
  const at = place(principal, path ?? "/");
  const tenant = ownerOf(world, at);
  if (tenant === undefined) return refuse(names(at).length < 2 ? "invalid-request" : "not-found");
  return { type: "file", tenant, path: spell(names(at)) };
};

const subjectOf = (world: World, { tenant: own }: Principal, asked: Asked, on: On): Who => {
  const { subject, subjectTenant } = asked;
  const named = subject.startsWith("tenant:") ? subject.slice("tenant:".length) : undefined;
  if (named !== undefined && subjectTenant !== undefined && named !== subjectTenant)
    refuse("invalid-request");
  const id = named ?? subjectTenant;
  if (id === undefined) return whoIs(own ?? existing(world, subject, on.tenant), subject);
  return whoIs(own?.id === id ? own : (world.tenants.get(id) ?? refuse("not-found")), subject);
};

/** To the platform, who is not said to be of a tenant is of the object's, or else of the one that has such a subject. */
const existing = (world: World, subject: string, within: Tenant): Tenant => {
  const known = subject.replace(/#member$/, "");
  const having = [...world.tenants.values()].filter(({ subjects }) => subjects.has(known));
  if (subject.endsWith("*") || having.includes(within)) return within;
  return having.length > 1 ? refuse("invalid-request") : (having[0] ?? within);
};

/** Throws for a relation that the model of files, groups and tenants has no place for. */
const checkShape = ({ tenant, type, id }: Who, relation: string, on: On): void => {
  if (id === "*" && (on.type !== "file" || relation !== "viewer")) refuse("invalid-request");
  if (type === "tenant" && (on.type !== "file" || relation === "blocked"))
    refuse("invalid-request");
  if (tenant === on.tenant) return;
  if (id === "*" || on.type !== "file") refuse("invalid-request");
  if (relation !== "viewer" && relation !== "editor") refuse("invalid-request");
};

const needs: Readonly<Record<string, readonly Scope[]>> = {
  owner: ["read", "write"],
  editor: ["read", "write"],
  viewer: ["read"],
};

/** Who may share something gives no more of it than it has itself; who administers a tenant says who is in its groups. */
const checkGives = (world: World, principal: Principal, relation: string, on: On): void => {
  checkScope(principal, "share");
  if (on.type !== "file") {
    if (principal.kind !== "platform" && principal.tenant !== on.tenant) refuse("not-found");
    checkAdmin(principal);
    checkWhole(principal, on.tenant);
    return;
  }
  const { read, share } = mayOn(world, principal, on.path);
  if (!read) hidden();
  if (!share) refuse("forbidden");
  const scopes = needs[relation] ?? [];
  if (!scopes.every((scope) => principal.scopes.includes(scope))) refuse("forbidden");
};

/** Within its prefix a capability is an owner. */
const mayOn = (world: World, principal: Principal, path: string) => {
  if (principal.kind === "identity") return mayAt(world, principal, path);
  const all = covers(principal, path);
  return { read: all, write: all, share: all };
};

const written = ({ tenant, type, id }: Who): string => {
  if (type === "tenant") return `tenant:${tenant.id}#member`;
  return type === "group" ? `group:${id}#member` : `${type}:${id}`;
};

const grant = (world: World, principal: Principal, operation: Of<"grant">): Outcome => {
  const { name, relation, below = false, expiresAt } = operation;
  const on = objectOf(world, principal, operation);
  const subject = subjectOf(world, principal, operation, on);
  checkShape(subject, relation, on);
  checkGives(world, principal, relation, on);
  if (on.type === "file" && typeof lookUp(world.tree, names(on.path)) === "string")
    refuse("not-found");
  if (on.type === "group" && !on.tenant.subjects.has(`group:${on.id}`)) refuse("not-found");
  const known = `${subject.type}:${subject.id}`;
  if (subject.type !== "tenant" && subject.id !== "*" && !subject.tenant.subjects.has(known)) {
    if (subject.type === "group" || subject.tenant !== on.tenant) refuse("not-found");
    subject.tenant.subjects.set(known, false);
  }
  add(world, subject, relation, on, { name, below, ...(expiresAt !== undefined && { expiresAt }) });
  const object = {
    file: on.type === "file" ? `file:${on.path}${below ? "/*" : ""}` : "",
    group: on.type === "group" ? `group:${on.id}` : "",
    tenant: `tenant:${on.tenant.id}`,
  }[on.type];
  const body = {
    subject: written(subject),
    subjectTenant: subject.tenant === on.tenant ? null : subject.tenant.id,
    relation,
    object,
    tenant: on.tenant.id,
    expires: expiresAt !== undefined,
  };
  return { status: 201, mutates: 1, body };
};

const ungrant = (world: World, principal: Principal, { name }: Of<"ungrant">): Outcome => {
  checkScope(principal, "share");
  const tuple = world.tuples.find((one) => one.name === name && one.expiresAt > world.now);
  if (tuple === undefined) return refuse("not-found");
  const { on, relation } = tuple;
  if (on.type === "file" && !mayOn(world, principal, on.path).read) refuse("not-found");
  checkGives(world, principal, relation, on);
  world.tuples = world.tuples.filter((one) => one !== tuple);
  return { status: 200, mutates: 1 };
};

const check = (world: World, principal: Principal, operation: Of<"check">): Outcome => {
  checkScope(principal, "read");
  const on = objectOf(world, principal, operation);
  const who = subjectOf(world, principal, operation, on);
  // What one may oneself is no secret.
  if (principal.who === undefined || !isSame(principal.who, who)) {
    if (on.type === "file" && !mayOn(world, principal, on.path).read) hidden();
    const foreign = ({ tenant }: Who | On) =>
      principal.kind !== "platform" && principal.tenant !== tenant;
    if (on.type !== "file" && foreign(on)) hidden();
    if (foreign(on) && foreign(who)) hidden();
  }
  return { status: 200, mutates: 0, body: { allowed: isAllowed(world, who, operation, on) } };
};

const isAllowed = (world: World, who: Who, { permission }: Of<"check">, on: On): boolean => {
  if (on.type === "tenant")
    return permission === "member" ? who.tenant === on.tenant : isAdmin(world, who, on.tenant);
  if (on.type === "group")
    return stands(world, who, { tenant: on.tenant, type: "group", id: on.id });
  const serve = who.tenant.status === "active" && on.tenant.status === "active";
  if (who.tenant !== on.tenant && !serve) return false;
  const { read, write, share } = may(world, who, on.path, on.tenant);
  return { can_read: read, can_write: write, can_share: share }[permission] ?? false;
};
