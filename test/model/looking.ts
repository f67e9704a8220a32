import { checkScope, checkServing, covers, locate, type Principal } from "./authority.ts";
import { entriesOf, found, isDirectory, type Node } from "./files.ts";
import { checkGround, hidden, permit, place, sees } from "./ground.ts";
import type { World } from "./model.ts";
import { isInside, names } from "./place.ts";
import { Refusal, refuse } from "./refusal.ts";

/** The names that lead from a strict ancestor to the bounds; undefined where the path is within them. */
export const leads = (
  world: World,
  principal: Principal,
  path: string,
): readonly string[] | undefined => {
  const at = locate(principal, path);
  if (covers(principal, at)) return undefined;
  const below = path === "/" ? [] : principal.bounds.filter((bound) => isInside(at, bound));
  if (below.length === 0) refuse("outside-workspace");
  checkServing(principal.tenant, principal);
  checkScope(principal, "read");
  return [...new Set(below.map((bound) => names(bound)[names(at).length] ?? ""))];
};

export const nodeFor = (
  world: World,
  principal: Principal,
  path: string,
  operation: "stat" | "list" = "stat",
): Node => {
  const at = place(principal, path);
  permit(world, principal, operation, [[at, "read"]]);
  checkGround(world, principal, [[at, "read"]]);
  const node = found(world.tree, names(at));
  // What only leads to something readable is a directory, or it is not there.
  return isDirectory(node) || sees(world, principal, at) === "all" ? node : hidden();
};

/** The entries of a directory as this caller sees them. */
export const listFor = (
  world: World,
  principal: Principal,
  path: string,
): readonly (readonly [string, Node])[] => {
  const led = leads(world, principal, path);
  if (led !== undefined) return entriesOf(new Map(led.map((name) => [name, new Map()])));
  const node = nodeFor(world, principal, path, "list");
  const at = locate(principal, path);
  if (!isDirectory(node)) return refuse("not-directory");
  return entriesOf(node).filter(([name, entry]) => {
    const seen = sees(world, principal, at === "/" ? `/${name}` : `${at}/${name}`);
    return seen === "all" || (seen === "way" && isDirectory(entry));
  });
};

export interface Seen {
  readonly path: string;
  readonly names: readonly string[];
  readonly node: Node;
}

/** Everything below, depth first; what cannot be read is not there. */
export const walk = (
  world: World,
  principal: Principal,
  path: string,
  above: readonly string[] = [],
): Seen[] =>
  listFor(world, principal, path).flatMap(([name, node]) => {
    const inner = path === "/" ? `/${name}` : `${path}/${name}`;
    const seen: Seen = { path: inner, names: [...above, name], node };
    return isDirectory(node) ? [seen, ...walkStill(world, principal, inner, seen.names)] : [seen];
  });

const walkStill = (
  world: World,
  principal: Principal,
  path: string,
  above: readonly string[],
): Seen[] => {
  try {
    return walk(world, principal, path, above);
  } catch (error) {
    // What is gone, and bounds that are a file: above them, names alone tell what there is.
    if (error instanceof Refusal && ["not-found", "not-directory"].includes(error.code)) return [];
    throw error;
  }
};
