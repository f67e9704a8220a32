import { type BackendPath, nameOf, parent, segmentsOf, type Stat } from "@bulkhead/contract";
import { compareEntries } from "@bulkhead/kit";

/** A file: its bytes never change, a write replaces the node. */
export interface FileNode {
  readonly kind: "file";
  readonly stat: Stat & { readonly etag: string };
  readonly bytes: Uint8Array;
}

/** A directory: its children by name, and their stats in the order of a listing. */
export interface DirectoryNode {
  readonly kind: "directory";
  readonly stat: Stat;
  readonly children: Map<string, Node>;
  readonly ordered: Stat[];
}

export type Node = FileNode | DirectoryNode;

/** An empty directory, made at `now` (milliseconds). */
export const directory = (name: string, now: number): DirectoryNode => ({
  kind: "directory",
  stat: Object.freeze({ name, kind: "directory", size: 0, modifiedAt: now, createdAt: now }),
  children: new Map(),
  ordered: [],
});

/** The same node under another name; a directory keeps its children. */
export const renamed = (node: Node, name: string): Node =>
  node.kind === "file"
    ? { ...node, stat: Object.freeze({ ...node.stat, name }) }
    : { ...node, stat: Object.freeze({ ...node.stat, name }) };

/** What is at `path`: a node, nothing, or a file that stands where a directory would have to. */
export const lookup = (root: DirectoryNode, path: BackendPath): Node | "missing" | "below-file" => {
  let node: Node = root;
  for (const name of segmentsOf(path)) {
    if (node.kind === "file") return "below-file";
    const next: Node | undefined = node.children.get(name);
    if (next === undefined) return "missing";
    node = next;
  }
  return node;
};

const place = (ordered: readonly Stat[], entry: Stat): number => {
  let low = 0;
  let high = ordered.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const at = ordered[middle];
    if (at !== undefined && compareEntries(at, entry) < 0) low = middle + 1;
    else high = middle;
  }
  return low;
};

/** Puts `node` at `path`, over a file that is there, and makes the parents that are missing. No reader sees a part of it. */
export const attach = (root: DirectoryNode, path: BackendPath, node: Node, now: number): void => {
  const holder = holderOf(root, path, now);
  const replaces = holder.children.has(node.stat.name);
  holder.children.set(node.stat.name, node);
  holder.ordered.splice(place(holder.ordered, node.stat), replaces ? 1 : 0, node.stat);
};

/** Takes the node at `path` out of its directory. */
export const detach = (root: DirectoryNode, path: BackendPath): void => {
  const up = parent(path);
  const holder = up === undefined ? undefined : lookup(root, up);
  if (typeof holder !== "object" || holder.kind !== "directory") return;
  const node = holder.children.get(nameOf(path));
  if (node === undefined) return;
  holder.children.delete(node.stat.name);
  holder.ordered.splice(place(holder.ordered, node.stat), 1);
};

const holderOf = (root: DirectoryNode, path: BackendPath, now: number): DirectoryNode => {
  let holder = root;
  for (const name of segmentsOf(path).slice(0, -1)) {
    let next = holder.children.get(name);
    if (next === undefined) {
      next = directory(name, now);
      holder.children.set(name, next);
      holder.ordered.splice(place(holder.ordered, next.stat), 0, next.stat);
    }
    if (next.kind === "file") throw new TypeError("A target was not judged before its effect.");
    holder = next;
  }
  return holder;
};

/** Counts the files of a node and their bytes. */
export const weigh = (node: Node): { files: number; bytes: number } => {
  if (node.kind === "file") return { files: 1, bytes: node.bytes.length };
  let files = 0;
  let bytes = 0;
  for (const inner of node.children.values()) {
    const weight = weigh(inner);
    files += weight.files;
    bytes += weight.bytes;
  }
  return { files, bytes };
};
