import {
  checkScope,
  checkServing,
  covers,
  locate,
  type Principal,
  type Tenant,
} from "./authority.ts";
import { put } from "./files.ts";
import type { World } from "./model.ts";
import { isNamespace, names, rootOf } from "./place.ts";
import { Refusal, refuse } from "./refusal.ts";

export type Access = "read" | "write" | "delete";

/** Policy's three questions about a place inside the bounds, and whether the ground is there at all. */
export const permit = (
  world: World,
  principal: Principal,
  touches: readonly (readonly [string, Access])[],
): void => {
  checkServing(principal.tenant, principal);
  for (const [path] of touches) checkServing(ownerOf(world, path), principal);
  for (const [, access] of touches) checkScope(principal, access === "read" ? "read" : "write");
  if (principal.kind === "identity") throw new Refusal("not-found", true);
};

/** Keeps the first level below a namespace to tenants. */
export const checkGround = (
  world: World,
  principal: Principal,
  touches: readonly (readonly [string, Access])[],
  moves = false,
): void => {
  for (const [path, access] of touches) {
    const root = rootOf(path);
    if (root === undefined) continue;
    const there = ownerOf(world, path) !== undefined;
    if (!there) refuse(path !== root || access !== "write" ? "not-found" : "forbidden");
    if (path === root && access === "delete" && (principal.kind !== "platform" || moves))
      refuse("forbidden");
  }
};

/** The tenant on whose ground a path is. */
export const ownerOf = (world: World, path: string): Tenant | undefined => {
  const root = rootOf(path);
  return root === undefined
    ? undefined
    : [...world.tenants.values()].find(({ roots }) => roots.includes(root));
};

/** A place that is mounted: it, or what leads to it, is changed by no file operation. */
export const isMounted = (world: World, path: string): boolean =>
  path === "/" ||
  isNamespace(path) ||
  (rootOf(path) === path && ownerOf(world, path) !== undefined);

/** Places a path inside the bounds, or refuses. */
export const place = (principal: Principal, path: string): string => {
  const at = locate(principal, path);
  return covers(principal, at) ? at : refuse("outside-workspace");
};

/** A directory right below a namespace is a tenant's root: making one makes the tenant, or gives it a second. */
export const makeRoot = (world: World, root: string): Tenant => {
  const id = names(root).at(-1) ?? "";
  const tenant: Tenant = world.tenants.get(id) ?? { id, status: "active", roots: [] };
  tenant.roots.push(root);
  world.tenants.set(id, tenant);
  put(world.tree, names(root), new Map());
  return tenant;
};
