import type { Scope } from "@bulkhead/contract";
import { isInside, names } from "./place.ts";
import { refuse } from "./refusal.ts";

export interface Tenant {
  readonly id: string;
  status: "active" | "suspended" | "deleted";
  /** Absolute paths. */
  roots: string[];
}

/** A key, as the ledger keeps it. The platform's has no tenant and no prefix. */
export interface Key {
  readonly name: string;
  readonly tenant: Tenant | undefined;
  prefix: string | undefined;
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
  readonly expiresAt: number;
}

/** The key and those it was minted with. */
export const familyOf = (key: Key): Key[] =>
  key.parent === undefined ? [key] : [key, ...familyOf(key.parent)];

const isDead = (key: Key, now: number): boolean =>
  key.tenant?.status === "deleted" ||
  familyOf(key).some((one) => one.revoked || one.expiresAt <= now);

/** Authenticates: a key is what it and all it was minted with still are, cut down to `within`. */
export const principalOf = (key: Key, within: string | undefined, now: number): Principal => {
  if (isDead(key, now)) return refuse("unauthenticated");
  const family = familyOf(key);
  let bounds =
    key.tenant === undefined ? ["/"] : key.prefix === undefined ? key.tenant.roots : [key.prefix];
  for (const { prefix } of family.slice(1))
    if (prefix !== undefined)
      bounds = bounds.flatMap((bound) =>
        isInside(prefix, bound) ? [bound] : isInside(bound, prefix) ? [prefix] : [],
      );
  const principal: Principal = {
    key,
    kind:
      key.tenant === undefined ? "platform" : key.prefix === undefined ? "identity" : "capability",
    tenant: key.tenant,
    scopes: key.scopes.filter((scope) => family.every((one) => one.scopes.includes(scope))),
    home: bounds[0] ?? key.prefix ?? key.tenant?.roots[0] ?? "/",
    bounds,
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
  if (principal.kind === "identity") refuse("forbidden");
};

/** Where a caller's path points: absolute below a namespace root, from home on elsewhere. */
export const locate = ({ home }: Principal, path: string): string => {
  const [first] = names(path);
  if (first === undefined) return home;
  if (first === "workspace" || first === "tenants" || home === "/") return path;
  return home + path;
};
