import type { Tenant } from "./authority.ts";
import { isInside } from "./place.ts";

/** Who a relation names. A group or a tenant means its members, `*` everybody of that type. */
export interface Who {
  readonly tenant: Tenant;
  readonly type: "user" | "agent" | "group" | "tenant";
  readonly id: string;
}
export type On =
  | { readonly type: "file"; readonly tenant: Tenant; readonly path: string }
  | { readonly type: "group"; readonly tenant: Tenant; readonly id: string }
  | { readonly type: "tenant"; readonly tenant: Tenant };

/** One relation. */
export interface Tuple {
  /** What the model calls it. */
  readonly name: string;
  readonly subject: Who;
  readonly relation: string;
  on: On;
  /** It was given on `/x/*`: on everything below, and not on the place itself. */
  readonly below: boolean;
  expiresAt: number;
}

export interface Related {
  tuples: Tuple[];
  now: number;
}

/** Those that hold now. */
const alive = ({ tuples, now }: Related): readonly Tuple[] =>
  tuples.filter(({ expiresAt }) => expiresAt > now);

/** Whether a relation that names `subject` is one of `who`. */
export const stands = (
  related: Related,
  who: Who,
  subject: Who,
  seen: readonly string[] = [],
): boolean => {
  if (subject.tenant !== who.tenant) return false;
  if (subject.type === "tenant") return true;
  if (subject.type === who.type && (subject.id === who.id || subject.id === "*")) return true;
  return subject.type === "group" && isMember(related, who, subject.id, seen);
};

const isMember = (related: Related, who: Who, group: string, seen: readonly string[]): boolean =>
  !seen.includes(group) &&
  alive(related).some(
    ({ on, subject }) =>
      on.type === "group" &&
      on.tenant === who.tenant &&
      on.id === group &&
      stands(related, who, subject, [...seen, group]),
  );

export const isAdmin = (related: Related, who: Who, tenant: Tenant | undefined): boolean =>
  who.tenant === tenant &&
  alive(related).some(
    ({ on, subject }) =>
      on.type === "tenant" && on.tenant === tenant && stands(related, who, subject),
  );

/** Whether from member to member a cycle lies in a group: whether somebody is not in it is then not decided. */
const isCyclic = (
  related: Related,
  tenant: Tenant,
  group: string,
  seen: readonly string[] = [],
): boolean =>
  seen.includes(group) ||
  alive(related).some(
    ({ on, subject }) =>
      on.type === "group" &&
      on.tenant === tenant &&
      on.id === group &&
      subject.type === "group" &&
      isCyclic(related, tenant, subject.id, [...seen, group]),
  );

/** Whether a block is of `who`, or it cannot be said that it is not: then it is. */
const blocks = (related: Related, who: Who, { subject }: Tuple): boolean =>
  stands(related, who, subject) ||
  (subject.type === "group" && isCyclic(related, subject.tenant, subject.id));

const covers = ({ on, below }: Tuple, path: string): boolean =>
  on.type === "file" && isInside(on.path, path) && !(below && on.path === path);

const has = (related: Related, who: Who, relation: string, path: string): boolean =>
  alive(related).some(
    (tuple) =>
      tuple.relation === relation &&
      covers(tuple, path) &&
      (relation === "blocked" ? blocks(related, who, tuple) : stands(related, who, tuple.subject)),
  );

export interface May {
  readonly read: boolean;
  readonly write: boolean;
  readonly share: boolean;
}

/** The model of files: roles are inherited each on its own, whoever is blocked has none, and nobody blocks an admin. */
export const may = (related: Related, who: Who, path: string, tenant: Tenant | undefined): May => {
  const admin = isAdmin(related, who, tenant);
  const role = (...names: readonly string[]): boolean =>
    admin ||
    (!has(related, who, "blocked", path) && names.some((name) => has(related, who, name, path)));
  return {
    read: role("viewer", "editor", "owner"),
    write: role("editor", "owner"),
    share: role("owner"),
  };
};

/** Whether something at or below a path can be read: the way there is shown. */
export const leadsOn = (
  related: Related,
  who: Who,
  path: string,
  tenant: Tenant | undefined,
): boolean =>
  may(related, who, path, tenant).read ||
  alive(related).some(
    ({ on, below }) =>
      on.type === "file" &&
      isInside(path, on.path) &&
      may(related, who, below ? `${on.path}/*` : on.path, tenant).read,
  );

/** Whether somebody is blocked below a path that they may else do something with as a whole. */
export const closedBelow = (
  related: Related,
  who: Who,
  path: string,
  tenant: Tenant | undefined,
): boolean =>
  !isAdmin(related, who, tenant) &&
  alive(related).some(
    (tuple) =>
      tuple.relation === "blocked" &&
      tuple.on.type === "file" &&
      isInside(path, tuple.on.path) &&
      (tuple.on.path !== path || tuple.below) &&
      blocks(related, who, tuple),
  );

/** Whether a move takes something from where anybody is blocked to where nobody is. */
export const unblocks = (related: Related, from: string, to: string): boolean =>
  alive(related).some(
    ({ on, relation }) =>
      relation === "blocked" &&
      on.type === "file" &&
      on.path !== from &&
      isInside(on.path, from) &&
      !isInside(on.path, to),
  );

/** Where in other tenants relations name somebody. */
export const foreignOf = (related: Related, who: Who): readonly Extract<On, { type: "file" }>[] =>
  alive(related).flatMap(({ on, subject }) =>
    on.type === "file" && on.tenant !== who.tenant && stands(related, who, subject) ? [on] : [],
  );

/** What was given on something ends with it. */
export const purge = (related: Related, path: string): void => {
  related.tuples = related.tuples.filter(
    ({ on }) => on.type !== "file" || !isInside(path, on.path),
  );
};

/** What was given on something goes with it. */
export const follow = (related: Related, from: string, to: string): void => {
  purge(related, to);
  for (const tuple of related.tuples)
    if (tuple.on.type === "file" && isInside(from, tuple.on.path))
      tuple.on = { ...tuple.on, path: to + tuple.on.path.slice(from.length) };
};
