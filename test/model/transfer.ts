import type { Operation } from "./call.ts";
import {
  drop,
  found,
  isDirectory,
  judgeTarget,
  lookUp,
  mapFiles,
  type Node,
  put,
} from "./files.ts";
import type { Outcome, World } from "./model.ts";
import { isMounted, ownerOf } from "./ground.ts";
import { bury, isKept, stored, typeOf } from "./history.ts";
import { isInside, names, rootOf } from "./place.ts";
import { refuse } from "./refusal.ts";
import { follow, purge } from "./relations.ts";

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
  if (op === "move" && !apart) {
    if (typeof there !== "string") bury(world, to, there);
    put(world.tree, names(to), source);
  } else {
    put(world.tree, names(to), renewed(world, source, [from, to], apart, there));
    if (op === "move") bury(world, from, source);
  }
  if (op === "move" && ownerOf(world, from) === ownerOf(world, to)) follow(world, from, to);
  else if (op === "move") purge(world, from);
  if (apart && tree) return { status: 202, mutates: 1, job: true };
  return { status: replaces ? 200 : 201, mutates: 1, ...(apart && { apart }) };
};

/** Copies every file. Another storage is told of a file what the first one said of it, and keeps what it can. */
const renewed = (
  world: World,
  source: Node,
  [from, to]: readonly [string, string],
  apart: boolean,
  there: Node | string,
): Node =>
  mapFiles(source, names(from), (file, at) =>
    stored(world, isDirectory(source) ? undefined : there, {
      content: file.content,
      type: isKept(to) ? (apart ? typeOf(file, at.at(-1) ?? "") : file.type) : undefined,
      meta: isKept(to) ? file.meta : undefined,
    }),
  );
