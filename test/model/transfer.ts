import type { Operation } from "./call.ts";
import { drop, found, isDirectory, judgeTarget, lookUp, put } from "./files.ts";
import type { Outcome, World } from "./model.ts";
import { isMounted } from "./ground.ts";
import { renewed } from "./operations.ts";
import { isInside, names, rootOf } from "./place.ts";
import { refuse } from "./refusal.ts";

type Transfer = Extract<Operation, { readonly op: "copy" | "move" }>;

/** Copies or moves; both ends were permitted. A directory from one tenant's root to another's is a job. */
export const transfer = (world: World, operation: Transfer, from: string, to: string): Outcome => {
  const { op, overwrite, match } = operation;
  const [fromMounted, toMounted] = [isMounted(world, from), isMounted(world, to)];
  if (op === "move" && (fromMounted || toMounted)) refuse("forbidden");
  const apart = fromMounted || toMounted || rootOf(from) !== rootOf(to);
  if (!apart && from === to && overwrite) refuse("invalid-request");
  const source = found(world.tree, names(from));
  const tree = isDirectory(source);
  if (tree && from !== to && isInside(from, to)) refuse("invalid-request");
  if (tree && from === to && overwrite) refuse("invalid-request");
  // A mount point at the target is told before the source's condition; within one storage it is the other way round.
  if (!tree && toMounted) refuse(overwrite ? "is-directory" : "already-exists");
  if (match === "stale" || (match === "current" && tree)) refuse("precondition-failed");
  const there = lookUp(world.tree, names(to));
  if (tree && typeof there !== "string") refuse("already-exists");
  const replaces = judgeTarget(world.tree, names(to), overwrite && !tree ? "overwrite" : "create");
  if (op === "move") drop(world.tree, names(from));
  // Renamed, a file is the same file; copied, or moved to another storage, it is a new one.
  put(world.tree, names(to), op === "move" && !apart ? source : renewed(world, source));
  if (apart && tree) return { status: 202, mutates: 1, job: true };
  return { status: replaces ? 200 : 201, mutates: 1 };
};
