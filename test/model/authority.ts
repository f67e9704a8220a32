import type { Scope } from "@bulkhead/contract";
import { isInside, names } from "./place.ts";
import { foreignOf, isAdmin, type Related, type Who } from "./relations.ts";
import { refuse } from "./refusal.ts";

export interface Tenant {
  readonly id: string;
  status: "active" | "suspended" | "deleted";
  /** Absolute paths. */
  roots: string[];
  /** Those who are known, as `user:alice` and `group:staff`, and whether they have an account. */
  readonly subjects: Map<string, boolean>;
  /** How much it may have; null is as much as it likes. */
  limits: Amounts<number | null>;
}

export interface Amounts<N = number> {
  readonly bytes: N;
  readonly files: N;
}

/** A key, as the ledger keeps it. The platform's has no tenant and no prefix. */
export interface Key {
  readonly name: string;
  readonly tenant: Tenant | undefined;
  prefix: string | undefined;
  /** Whom it is for, as `user:alice`. */
  readonly subject: string | undefined;
  scopes: readonly Scope[];
  parent: Key | undefined;
  expiresAt: number;
  revoked: boolean;
}

/** Who is asking, for one request. */
export interface Principal {
  readonly key: Key;
  readonly kind: "platform" | "capability" | "identity";
  readonly tenant: Tenant | undefined;
  readonly scopes: readonly Scope[];
  readonly home: string;
  readonly bounds: readonly string[];
  /** Whom relations have to name, where they decide. */
  readonly who: Who | undefined;
  readonly admin: boolean;
  readonly expiresAt: number;
}

/** The key and those it was minted with. */
export const familyOf = (key: Key): Key[] =>
  key.parent === undefined ? [key] : [key, ...familyOf(key.parent)];

/** Somebody of a tenant, as `user:alice`. */
export const whoIs = (tenant: Tenant, text: string): Who => {
  const [type = "", id = ""] = text.replace(/#member$/, "").split(":");
  if (type === "user" || type === "agent" || type === "group") return { tenant, type, id };
  return { tenant, type: "tenant", id: "" };
};

/** Whom an identity is of. */
const holderOf = ({ prefix, subject, tenant }: Key): Who | undefined =>
  prefix === undefined && subject !== undefined && tenant !== undefined
    ? whoIs(tenant, subject)
    : undefined;

/** The tenants of which relations give something to whom an identity is of. */
export const givers = (related: Related, key: Key | undefined): readonly Tenant[] => {
  const holder = key && holderOf(key);
  return holder === undefined ? [] : foreignOf(related, holder).map(({ tenant }) => tenant);
};

const isDead = (key: Key, now: number): boolean =>
  key.tenant?.status === "deleted" ||
  familyOf(key).some((one) => one.revoked || one.expiresAt <= now);

/** Authenticates: a key is what it and all it was minted with still are, cut down to `within`. */
export const principalOf = (related: Related, key: Key, within: string | undefined): Principal => {
  if (isDead(key, related.now)) return refuse("unauthenticated");
  const family = familyOf(key);
  const isAdminStill = (one: Key): boolean => {
    const holder = holderOf(one);
    return holder === undefined || isAdmin(related, holder, holder.tenant);
  };
  // A key for a part of the tree ends with its giver's being an admin.
  if (key.prefix !== undefined && !family.slice(1).every(isAdminStill)) refuse("unauthenticated");
  let bounds =
    key.tenant === undefined ? ["/"] : key.prefix === undefined ? key.tenant.roots : [key.prefix];
  for (const { prefix } of family.slice(1))
    if (prefix !== undefined)
      bounds = bounds.flatMap((bound) =>
        isInside(prefix, bound) ? [bound] : isInside(bound, prefix) ? [prefix] : [],
      );
  const who = holderOf(key);
  const { tenant } = key;
  if (who !== undefined && tenant?.roots.every((root) => bounds.some((b) => isInside(b, root))))
    bounds = [...new Set([...bounds, ...foreignOf(related, who).map(({ path }) => path)])];
  const principal: Principal = {
    key,
    kind:
      key.tenant === undefined ? "platform" : key.prefix === undefined ? "identity" : "capability",
    tenant: key.tenant,
    scopes: key.scopes.filter((scope) => family.every((one) => one.scopes.includes(scope))),
    home: bounds[0] ?? key.prefix ?? key.tenant?.roots[0] ?? "/",
    bounds,
    who,
    admin: who !== undefined && isAdmin(related, who, tenant),
    expiresAt: Math.min(...family.map((one) => one.expiresAt)),
  };
  if (within === undefined) return principal;
  if (!covers(principal, within)) refuse("outside-workspace");
  return { ...principal, home: within, bounds: [within] };
};

export const covers = ({ bounds }: Principal, path: string): boolean =>
  bounds.some((bound) => isInside(bound, path));

export const checkServing = (tenant: Tenant | undefined, { kind }: Principal): void => {
  if (tenant?.status === "suspended" && kind !== "platform") refuse("tenant-suspended");
};

export const checkScope = ({ scopes }: Principal, scope: Scope): void => {
  if (!scopes.includes(scope)) refuse("scope-required");
};

export const checkAdmin = (principal: Principal): void => {
  checkScope(principal, "admin");
  if (principal.kind === "identity" && !principal.admin) refuse("forbidden");
};

/** Where a caller's path points: absolute below a namespace root, from home on elsewhere. */
export const locate = ({ home }: Principal, path: string): string => {
  const [first] = names(path);
  if (first === undefined) return home;
  if (first === "workspace" || first === "tenants" || home === "/") return path;
  return home + path;
};
