import {
  FileError,
  permissionBits,
  type Principal,
  type Standing,
  type VirtualPath,
} from "@bulkhead/contract";
import type { Call, Touch } from "@bulkhead/kit";
import type { Decision } from "./decision.ts";

const { can_read, can_write, can_share } = permissionBits;

/** What a caller may not read does not exist for it: one answer, whatever is there. */
export const noRelation = (): FileError =>
  new FileError("not-found", "There is nothing here that this key may read.", {
    denial: "no relation",
  });

const forbidden = (detail: string): FileError => new FileError("forbidden", detail);

/** Throws unless relations give an access. A create is judged where it lands: what is above gives it or nothing does. */
const judge = (standing: Standing, call: Call<VirtualPath>, touch: Touch<VirtualPath>): number => {
  const { path, access } = touch;
  const { mask, leads, until } = standing.verdict(path);
  if (access === "read") {
    // A directory above something readable shows the way to it, and nothing else.
    const looks = call.operation === "stat" || call.operation === "list";
    if ((mask & can_read) === 0 && !(looks && leads)) throw noRelation();
    return until;
  }
  if ((mask & can_write) !== 0) return until;
  if ((mask & can_read) === 0) throw noRelation();
  throw forbidden("This may be read, but not changed, by this key's subject.");
};

const checkRemovable = (standing: Standing, path: VirtualPath): void => {
  if (standing.closedBelow(path))
    throw forbidden("Something below it may not be changed by this key's subject.");
};

/** What is done to a directory is done to all below it, also where its own relations say nothing. */
const judgeWhole = (standing: Standing, call: Call<VirtualPath>): void => {
  const [from, to] = call.paths;
  if (from === undefined) return;
  switch (call.operation) {
    case "copy":
      if (standing.closedBelow(from))
        throw forbidden("Something below it may not be read by this key's subject.");
      return;
    case "move":
      if (
        to !== undefined &&
        standing.unblocks(from, to) &&
        (standing.verdict(from).mask & can_share) === 0
      )
        throw forbidden(
          "Somebody is blocked above it; who moves it away must be able to share it.",
        );
      checkRemovable(standing, from);
      return;
    case "remove":
      checkRemovable(standing, from);
      return;
    case "stat":
    case "read":
    case "write":
    case "list":
    case "mkdir":
    case "versions":
    case "restore":
      return;
    default:
      call.operation satisfies never;
  }
};

/**
 * Question 4: a capability holds what its scopes say within its prefix; an identity holds what relations give it. What
 * may not be read is `not-found`, what may be read but not done is `forbidden`. `reachAll` goes before it.
 */
export const relationsAllow: Decision<number> = (principal, call) => {
  const { standing } = principal;
  if (standing === undefined) {
    if (principal.kind === "identity") throw noRelation();
    return Infinity;
  }
  let until = Infinity;
  for (const touch of call.touches) until = Math.min(until, judge(standing, call, touch));
  judgeWhole(standing, call);
  return until;
};

/** Waits for the relations of other tenants that a call touches; undefined, as almost always, if there is nothing to wait for. */
export const reachAll = (
  { standing }: Principal,
  paths: readonly VirtualPath[],
): Promise<unknown> | undefined => {
  if (standing === undefined) return undefined;
  let waits: Promise<void>[] | undefined;
  for (const path of paths) {
    const wait = standing.reach(path);
    if (wait !== undefined) (waits ??= []).push(wait);
  }
  return waits && Promise.all(waits);
};
