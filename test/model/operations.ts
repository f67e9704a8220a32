import { checkScope, type Principal } from "./authority.ts";
import type { Operation } from "./call.ts";
import {
  type Directory,
  drop,
  type File,
  fileAt,
  found,
  isDirectory,
  judgeTarget,
  lookUp,
  makeDirectory,
  type Node,
  put,
} from "./files.ts";
import { checkGround, isMounted, makeRoot, ownerOf, permit, place } from "./ground.ts";
import { globMatches } from "./glob.ts";
import { bury, earlier, isKept, restore, stored, typeOf, versions } from "./history.ts";
import { leads, listFor, nodeFor, walk } from "./looking.ts";
import type { Outcome, World } from "./model.ts";
import { names, rootOf, spell } from "./place.ts";
import { purge } from "./relations.ts";
import { Refusal, refuse } from "./refusal.ts";
import { transfer } from "./transfer.ts";

type FileOperation = Extract<
  Operation,
  {
    readonly op:
      | "stat"
      | "read"
      | "list"
      | "write"
      | "append"
      | "mkdir"
      | "remove"
      | "copy"
      | "move"
      | "glob"
      | "versions"
      | "restore";
  }
>;

/** What is said of a file or directory. */
const statBody = (path: string, node: Node): Record<string, unknown> =>
  isDirectory(node)
    ? { path, kind: "directory", size: 0 }
    : {
        path,
        kind: "file",
        size: Buffer.byteLength(node.content),
        contentType: typeOf(node, names(path).at(-1) ?? ""),
        metadata: node.meta === undefined ? {} : { note: node.meta },
      };

const line = (path: string, node: Node): string =>
  isDirectory(node) ? `${path}/` : `${path} ${Buffer.byteLength(node.content)}`;

/** Carries out an operation on files. */
export const operate = (world: World, principal: Principal, operation: FileOperation): Outcome => {
  switch (operation.op) {
    case "stat": {
      const { path } = operation;
      const led = leads(world, principal, path);
      const node: Node = led === undefined ? nodeFor(world, principal, path) : new Map();
      return { status: 200, mutates: 0, body: statBody(path, node) };
    }
    case "list": {
      const { path, recursive } = operation;
      const entries = recursive
        ? walk(world, principal, path).map((seen) => line(seen.path, seen.node))
        : listFor(world, principal, path).map(([name, node]) =>
            line(path === "/" ? `/${name}` : `${path}/${name}`, node),
          );
      return { status: 200, mutates: 0, body: { entries } };
    }
    case "glob": {
      const { path, pattern } = operation;
      if (
        leads(world, principal, path) === undefined &&
        !isDirectory(nodeFor(world, principal, path))
      )
        refuse("not-directory");
      const paths = walk(world, principal, path)
        .filter((seen) => globMatches(pattern, seen.names))
        .map((seen) => seen.path);
      return { status: 200, mutates: 0, body: { paths } };
    }
    case "read":
      return read(world, principal, operation);
    case "versions":
      return versions(world, principal, operation.path);
    case "restore":
      return restore(world, principal, operation);
    case "write":
    case "append":
      return write(world, principal, operation);
    case "mkdir":
      return makeDirectories(world, principal, operation.path, operation.parents);
    case "remove":
      return remove(world, principal, operation);
    case "copy":
    case "move": {
      const [from, to] = [place(principal, operation.from), place(principal, operation.to)];
      const moves = operation.op === "move";
      const touches = [
        [from, "read"] as const,
        ...(moves ? [[from, "delete"] as const] : []),
        [to, "write"] as const,
      ];
      permit(world, principal, operation.op, touches);
      checkGround(world, principal, touches, moves);
      const outcome = transfer(world, operation, from, to);
      const { path, kind, size } = statBody(operation.to, found(world.tree, names(to)));
      return outcome.job === true ? outcome : { ...outcome, body: { path, kind, size } };
    }
    default:
      return operation satisfies never;
  }
};

type Of<Name extends FileOperation["op"]> = Extract<FileOperation, { readonly op: Name }>;

const read = (world: World, principal: Principal, { path, range, nth }: Of<"read">): Outcome => {
  const at = place(principal, path);
  permit(world, principal, "read", [[at, "read"]]);
  checkGround(world, principal, [[at, "read"]]);
  const file =
    nth === undefined ? fileAt(world.tree, names(at)) : earlier(world, principal, at, nth);
  const bytes = Buffer.from(file.content);
  const contentType = typeOf(file, names(at).at(-1) ?? "");
  if (range === undefined)
    return { status: 200, mutates: 0, body: { content: bytes.toString("latin1"), contentType } };
  const start = "suffix" in range ? Math.max(0, bytes.length - range.suffix) : range.start;
  const end =
    "suffix" in range ? bytes.length : Math.min(bytes.length, (range.end ?? Infinity) + 1);
  if (start >= bytes.length || end <= start) refuse("range-not-satisfiable");
  return {
    status: 206,
    mutates: 0,
    body: { content: bytes.subarray(start, end).toString("latin1"), contentType },
  };
};

const write = (world: World, principal: Principal, operation: Of<"write" | "append">): Outcome => {
  const at = place(principal, operation.path);
  permit(world, principal, operation.op, [[at, "write"]]);
  const spot = names(at);
  const there = lookUp(world.tree, spot);
  if (operation.op === "append" && typeof there !== "string" && isDirectory(there))
    refuse("is-directory");
  checkGround(world, principal, [[at, "write"]]);
  // Over HTTP, "only where nothing is" is a condition of the request, and what fails is the condition.
  const mode = operation.op === "append" ? "overwrite" : operation.mode;
  const { type, meta } = operation.op === "write" ? operation : {};
  if (meta !== undefined && !isKept(at) && !isMounted(world, at)) refuse("invalid-request");
  if (mode === "create" && typeof there !== "string") refuse("precondition-failed");
  const replaces = judgeTarget(world.tree, spot, mode);
  const file = stored(world, there, {
    ...(operation.op === "append" && replaces
      ? appended(fileAt(world.tree, spot), spot, operation.content)
      : { content: operation.content, meta, type }),
    ...(!isKept(at) && { type: undefined }),
  });
  put(world.tree, spot, file);
  const { path, kind, size } = statBody(operation.path, file);
  const status = operation.op === "append" || replaces ? 200 : 201;
  return { status, mutates: 1, body: { path, kind, size } };
};

/** What was there is written again with more behind it, and with what it said of itself. */
const appended = (
  file: File,
  spot: readonly string[],
  more: string,
): Pick<File, "content" | "type" | "meta"> => ({
  content: file.content + more,
  type: typeOf(file, spot.at(-1) ?? ""),
  meta: file.meta,
});

const makeDirectories = (
  world: World,
  principal: Principal,
  path: string,
  parents: boolean,
): Outcome => {
  let made = 0;
  const make = (): void => {
    const at = place(principal, path);
    permit(world, principal, "mkdir", [[at, "write"]]);
    const there = lookUp(world.tree, names(at));
    if (rootOf(at) === at && ownerOf(world, at) === undefined) {
      if (principal.kind !== "platform") refuse("forbidden");
      makeRoot(world, at);
      made += 1;
      return;
    }
    checkGround(world, principal, [[at, "write"]]);
    // Whether it is a directory that is there already is for those to know who may read.
    if (parents && typeof there !== "string") checkScope(principal, "read");
    if (parents && typeof there !== "string" && isDirectory(there)) return;
    makeDirectory(world.tree, names(at));
    made += 1;
  };
  try {
    make();
  } catch (error) {
    if (!(parents && error instanceof Refusal && error.code === "not-found") || path === "/")
      throw error;
    made += makeDirectories(world, principal, spell(names(path).slice(0, -1)), true).mutates;
    make();
  }
  return { status: 201, mutates: made, body: { path, kind: "directory" } };
};

const remove = (
  world: World,
  principal: Principal,
  { path, recursive, match }: Of<"remove">,
): Outcome => {
  const at = place(principal, path);
  permit(world, principal, "remove", [[at, "delete"]]);
  checkGround(world, principal, [[at, "delete"]]);
  const node = found(world.tree, names(at));
  const empty: Directory = new Map();
  if (isMounted(world, at) && !recursive)
    refuse(isDirectory(node) && node.size > 0 ? "not-empty" : "forbidden");
  if (match === "stale" || (match === "current" && isDirectory(node)))
    refuse("precondition-failed");
  if (isDirectory(node) && node.size > 0 && !recursive) refuse("not-empty");
  bury(world, at, node);
  purge(world, at);
  if (isMounted(world, at)) put(world.tree, names(at), empty);
  else drop(world.tree, names(at));
  return { status: 204, mutates: 1 };
};
