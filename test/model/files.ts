import { refuse } from "./refusal.ts";

/** What was stored, or that it was removed. `stamp` is another number after whatever may have changed the content. */
export interface Kept {
  readonly kind: "write" | "remove";
  readonly content: string;
  readonly stamp: number;
  /** As it was given. */
  readonly type: string | undefined;
  readonly meta: string | undefined;
}
/** A file of the model, with all that it was, the oldest first. */
export interface File extends Kept {
  readonly past: readonly Kept[];
}
export type Directory = Map<string, Node>;
export type Node = File | Directory;

export const isDirectory = (node: Node | undefined): node is Directory => node instanceof Map;

/** What is at `names`: a node, or why there is none. */
export const lookUp = (
  root: Directory,
  names: readonly string[],
): Node | "missing" | "below-file" => {
  let node: Node = root;
  for (const name of names) {
    if (!isDirectory(node)) return "below-file";
    const next: Node | undefined = node.get(name);
    if (next === undefined) return "missing";
    node = next;
  }
  return node;
};

/** The node at `names`, or `not-found`. */
export const found = (root: Directory, names: readonly string[]): Node => {
  const node = lookUp(root, names);
  return typeof node === "string" ? refuse("not-found") : node;
};

export const fileAt = (root: Directory, names: readonly string[]): File => {
  const node = found(root, names);
  return isDirectory(node) ? refuse("is-directory") : node;
};

/** How the target of a write is judged. `current` and `stale` are ETags: of what is there, and of nothing. */
export type Mode = "overwrite" | "create" | "current" | "stale";

/** Throws unless a file may be put at `names`; says whether it would replace one. */
export const judgeTarget = (root: Directory, names: readonly string[], mode: Mode): boolean => {
  const node = lookUp(root, names);
  if (node === "below-file") return refuse("not-directory");
  if (node === "missing")
    return mode === "current" || mode === "stale" ? refuse("precondition-failed") : false;
  if (mode === "create") return refuse("already-exists");
  if (isDirectory(node)) return refuse("is-directory");
  return mode === "stale" ? refuse("precondition-failed") : true;
};

/** Puts a node there, making what is missing above. */
export const put = (root: Directory, names: readonly string[], node: Node): void => {
  let at = root;
  for (const name of names.slice(0, -1)) {
    let next = at.get(name);
    if (next === undefined) at.set(name, (next = new Map()));
    if (!isDirectory(next)) throw new Error("The model did not judge a target.");
    at = next;
  }
  at.set(names.at(-1) ?? "", node);
};

export const drop = (root: Directory, names: readonly string[]): void => {
  const above = lookUp(root, names.slice(0, -1));
  if (typeof above !== "string" && isDirectory(above)) above.delete(names.at(-1) ?? "");
};

export const makeDirectory = (root: Directory, names: readonly string[]): void => {
  if (names.length === 0) refuse("already-exists");
  const above = lookUp(root, names.slice(0, -1));
  if (above === "below-file") refuse("not-directory");
  if (above === "missing") refuse("not-found");
  judgeTarget(root, names, "create");
  put(root, names, new Map());
};

export interface Entry {
  readonly names: readonly string[];
  readonly node: Node;
}

const sortKey = ([name, node]: readonly [string, Node]): Buffer =>
  Buffer.from(isDirectory(node) ? `${name}/` : name);

/** The entries of a directory, in UTF-8 byte order, a directory counting as `name/`. */
export const entriesOf = (directory: Directory): readonly (readonly [string, Node])[] =>
  [...directory].sort((a, b) => Buffer.compare(sortKey(a), sortKey(b)));

/** Everything below, depth first. */
export const everything = (directory: Directory): Entry[] =>
  entriesOf(directory).flatMap(([name, node]) => [
    { names: [name], node },
    ...(isDirectory(node) ? everything(node) : []).map((entry) => ({
      names: [name, ...entry.names],
      node: entry.node,
    })),
  ]);

/** A copy in which every file is another one. */
export const mapFiles = (
  node: Node,
  names: readonly string[],
  map: (file: File, names: readonly string[]) => File,
): Node =>
  isDirectory(node)
    ? new Map([...node].map(([name, inner]) => [name, mapFiles(inner, [...names, name], map)]))
    : map(node, names);
