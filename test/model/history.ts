import { contentTypeOf } from "@bulkhead/kit";
import { checkGround, hidden, isMounted, mayAt, permit, place } from "./ground.ts";
import type { Principal } from "./authority.ts";
import type { Operation } from "./call.ts";
import { type File, isDirectory, type Kept, lookUp, mapFiles, type Node, put } from "./files.ts";
import type { Outcome, World } from "./model.ts";
import { isInside, names, rootOf, spell } from "./place.ts";
import { refuse } from "./refusal.ts";

/** True if what lies at `path` is kept with its history; the platform's own ground is a plain folder. */
export const isKept = (path: string): boolean => rootOf(path) !== undefined;

/** A file as a write leaves it where `before` was. */
export const stored = (
  world: World,
  before: Node | string | undefined,
  what: Pick<Kept, "content" | "type" | "meta">,
): File => {
  const { content, type, meta } = what;
  const kept: Kept = { kind: "write", content, type, meta, stamp: ++world.stamps };
  const file = typeof before === "object" && !isDirectory(before) ? before : undefined;
  return { ...kept, past: [...(file?.past ?? []), kept] };
};

/** Remembers the files of what is taken away, where they were. */
export const bury = (world: World, path: string, node: Node): void => {
  mapFiles(node, names(path), (file, at) => {
    const spot = spell(at);
    const end: Kept = { ...file, kind: "remove", stamp: ++world.stamps };
    if (isKept(spot))
      world.removed.set(spot, [...(world.removed.get(spot) ?? []), ...file.past, end]);
    return file;
  });
};

/** Forgets what was removed at a root that is gone. */
export const forget = (world: World, root: string): void => {
  for (const path of world.removed.keys()) if (isInside(root, path)) world.removed.delete(path);
};

/** What was stored and removed at a place, newest first; undefined where there never was a file. */
const pastOf = (world: World, principal: Principal, at: string): readonly Kept[] | undefined => {
  const node = lookUp(world.tree, names(at));
  const own = typeof node === "string" || isDirectory(node) ? [] : node.past;
  const all = [...(world.removed.get(at) ?? []), ...own];
  if (all.length === 0) return undefined;
  all.sort((a, b) => b.stamp - a.stamp);
  const removal = all.findIndex(({ kind }) => kind === "remove");
  // What was removed is for those who can share its place.
  const whole = principal.kind !== "identity" || mayAt(world, principal, at).share;
  return whole || removal < 0 ? all : all.slice(0, removal);
};

const checkKept = (world: World, at: string): void => {
  if (isMounted(world, at)) refuse("is-directory");
  if (!isKept(at)) refuse("invalid-request");
};

/** The content that an operation names by its place in the list of versions, the newest being the first. */
const versionAt = (world: World, principal: Principal, at: string, nth: number): Kept =>
  pastOf(world, principal, at)?.filter(({ kind }) => kind === "write")[nth] ?? refuse("not-found");

/** An earlier content, for reading. */
export const earlier = (world: World, principal: Principal, at: string, nth: number): Kept => {
  const node = lookUp(world.tree, names(at));
  checkKept(world, at);
  if (typeof node !== "string" && isDirectory(node)) refuse("is-directory");
  return versionAt(world, principal, at, nth);
};

export const versions = (world: World, principal: Principal, path: string): Outcome => {
  const at = place(principal, path);
  permit(world, principal, "versions", [[at, "read"]]);
  checkGround(world, principal, [[at, "read"]]);
  checkKept(world, at);
  const node = lookUp(world.tree, names(at));
  const past = pastOf(world, principal, at);
  if (past === undefined)
    return refuse(typeof node === "object" && isDirectory(node) ? "is-directory" : "not-found");
  if (past.length === 0) hidden();
  const current = typeof node === "string" || isDirectory(node) ? undefined : node.stamp;
  const entries = past.map(({ kind, content, stamp }) =>
    kind === "remove"
      ? "removed"
      : `${Buffer.byteLength(content)}${stamp === current ? " current" : ""}`,
  );
  return { status: 200, mutates: 0, body: { entries } };
};

export const restore = (
  world: World,
  principal: Principal,
  { path, nth }: Extract<Operation, { readonly op: "restore" }>,
): Outcome => {
  const at = place(principal, path);
  permit(world, principal, "restore", [[at, "write"]]);
  checkGround(world, principal, [[at, "write"]]);
  checkKept(world, at);
  const there = lookUp(world.tree, names(at));
  if (there === "below-file") refuse("not-directory");
  if (typeof there !== "string" && isDirectory(there)) refuse("is-directory");
  const file = stored(world, there, versionAt(world, principal, at, nth));
  put(world.tree, names(at), file);
  const size = Buffer.byteLength(file.content);
  return {
    status: typeof there === "string" ? 201 : 200,
    mutates: 1,
    body: { path, kind: "file", size },
  };
};

/** What a file says of itself under a name. */
export const typeOf = (file: Pick<Kept, "type">, name: string): string =>
  file.type ?? contentTypeOf(name);
