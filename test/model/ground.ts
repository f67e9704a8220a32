import type { Operation } from "./call.ts";
import {
  checkScope,
  checkServing,
  covers,
  locate,
  type Principal,
  type Tenant,
} from "./authority.ts";
import { put } from "./files.ts";
import { found } from "./files.ts";
import type { World } from "./model.ts";
import { closedBelow, leadsOn, may, type May, unblocks } from "./relations.ts";
import { isNamespace, names, rootOf } from "./place.ts";
import { Refusal, refuse } from "./refusal.ts";

export type Access = "read" | "write" | "delete";
type Touch = readonly [path: string, access: Access];

/** Policy's three questions about a place inside the bounds, and whether the ground is there at all. */
export const permit = (
  world: World,
  principal: Principal,
  operation: Operation["op"],
  touches: readonly Touch[],
): void => {
  checkServing(principal.tenant, principal);
  for (const [path] of touches) checkServing(ownerOf(world, path), principal);
  for (const [, access] of touches) checkScope(principal, access === "read" ? "read" : "write");
  if (principal.kind !== "identity") return;
  try {
    for (const touch of touches) judge(world, principal, operation, touch);
    judgeWhole(world, principal, operation, touches);
  } catch (error) {
    if (!(error instanceof Refusal && error.code === "forbidden")) throw error;
    // What is missing is missing for those who may not remove it, too.
    for (const [path, access] of touches) if (access === "delete") found(world.tree, names(path));
    throw error;
  }
};

/** What somebody's relations give on a place. */
export const mayAt = (world: World, { who }: Principal, path: string): May =>
  who === undefined
    ? { read: false, write: false, share: false }
    : may(world, who, path, ownerOf(world, path));

export const hidden = (): never => {
  throw new Refusal("not-found", true);
};

/** Whether somebody sees a place, or at least the way through it. */
export const sees = (world: World, principal: Principal, path: string): "all" | "way" | "not" => {
  const { kind, who } = principal;
  if (kind !== "identity" || mayAt(world, principal, path).read) return "all";
  return who !== undefined && leadsOn(world, who, path, ownerOf(world, path)) ? "way" : "not";
};

/** A place and what is done there. A create is judged by what is above, which is what its path inherits. */
const judge = (
  world: World,
  principal: Principal,
  operation: Operation["op"],
  [path, access]: Touch,
): void => {
  const { read, write } = mayAt(world, principal, path);
  const looks = operation === "stat" || operation === "list" || operation === "glob";
  if (access === "read" ? read || (looks && sees(world, principal, path) === "way") : write) return;
  if (access !== "read" && read) refuse("forbidden");
  hidden();
};

/** What is done to a directory is done to all that is in it. */
const judgeWhole = (
  world: World,
  principal: Principal,
  operation: Operation["op"],
  touches: readonly Touch[],
): void => {
  const { who } = principal;
  const [from = "", to = ""] = [touches[0]?.[0], touches.at(-1)?.[0]];
  if (who === undefined || !["copy", "move", "remove"].includes(operation)) return;
  if (operation === "move" && unblocks(world, from, to) && !mayAt(world, principal, from).share)
    refuse("forbidden");
  if (closedBelow(world, who, from, ownerOf(world, from))) refuse("forbidden");
};

/** Keeps the first level below a namespace to tenants. */
export const checkGround = (
  world: World,
  principal: Principal,
  touches: readonly Touch[],
  moves = false,
): void => {
  const [from = "", to = ""] = [touches[0]?.[0], touches.at(-1)?.[0]];
  if (moves && principal.kind !== "platform" && ownerOf(world, from) !== ownerOf(world, to))
    refuse("forbidden");
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
  const tenant: Tenant = world.tenants.get(id) ?? {
    id,
    status: "active",
    roots: [],
    subjects: new Map(),
    limits: { bytes: null, files: null },
  };
  tenant.roots.push(root);
  world.tenants.set(id, tenant);
  put(world.tree, names(root), new Map());
  return tenant;
};
