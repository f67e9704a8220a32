import type { ErrorCode } from "@bulkhead/contract";

/** What an operation comes to: a plain answer, or a refusal's code. */
export type Outcome = { readonly answer: unknown } | { readonly code: ErrorCode };

/** The modes that a random sequence picks from; a condition names the target's content, or one that is not there. */
export type PlainMode = "overwrite" | "create" | "match" | "mismatch";

/** A map from path to content, `undefined` for a directory: what a backend is, without haste, locks or cleverness. */
export interface Model {
  readonly write: (path: string, content: string, mode: PlainMode) => Outcome;
  readonly read: (path: string) => Outcome;
  readonly mkdir: (path: string) => Outcome;
  readonly remove: (path: string, recursive: boolean) => Outcome;
  readonly copy: (from: string, to: string, mode: PlainMode) => Outcome;
  readonly move: (from: string, to: string, mode: PlainMode) => Outcome;
  readonly tree: () => Readonly<Record<string, string>>;
}

const refused = (code: ErrorCode): Outcome => ({ code });
const answered = (answer: unknown): Outcome => ({ answer });

export const model = (): Model => {
  const nodes = new Map<string, string | undefined>([["", undefined]]);

  const ancestors = (path: string): readonly string[] => {
    const names = path.split("/");
    return path === "" ? [] : names.map((_, i) => names.slice(0, i).join("/"));
  };
  const isFile = (path: string): boolean => nodes.get(path) !== undefined;
  const isDirectory = (path: string): boolean => nodes.has(path) && !isFile(path);
  const below = (path: string): readonly string[] =>
    [...nodes.keys()].filter((key) => ancestors(key).includes(path));
  const filesOf = (path: string): readonly string[] => [path, ...below(path)].filter(isFile);
  const weight = (path: string): { files: number; bytes: number } => ({
    files: filesOf(path).length,
    bytes: filesOf(path).reduce((sum, file) => sum + (nodes.get(file) ?? "").length, 0),
  });

  /** Why a file may not be put there, or undefined. */
  const targetFault = (path: string, mode: PlainMode): ErrorCode | undefined => {
    if (ancestors(path).some(isFile)) return "not-directory";
    if (!nodes.has(path))
      return mode === "match" || mode === "mismatch" ? "precondition-failed" : undefined;
    if (mode === "create") return "already-exists";
    if (isDirectory(path)) return "is-directory";
    return mode === "mismatch" ? "precondition-failed" : undefined;
  };

  const transferFault = (from: string, to: string, mode: PlainMode): ErrorCode | undefined => {
    if (from === "" || (from === to && mode !== "create")) return "invalid-request";
    if (!nodes.has(from)) return "not-found";
    if (isDirectory(from) && ancestors(to).includes(from)) return "invalid-request";
    if (to === "") return "already-exists";
    if (isDirectory(from) && nodes.has(to)) return "already-exists";
    return targetFault(to, mode);
  };

  const put = (path: string, content: string | undefined): void => {
    for (const ancestor of ancestors(path)) nodes.set(ancestor, undefined);
    nodes.set(path, content);
  };

  const sizeOf = (path: string): number | undefined => nodes.get(path)?.length;

  const transfer = (from: string, to: string): void => {
    for (const path of [from, ...below(from)]) put(to + path.slice(from.length), nodes.get(path));
  };

  return {
    write: (path, content, mode) => {
      const fault = targetFault(path, mode);
      if (fault !== undefined) return refused(fault);
      const before = sizeOf(path);
      put(path, content);
      return answered({ size: content.length, created: before === undefined, replaced: before });
    },
    read: (path) => {
      if (!nodes.has(path)) return refused("not-found");
      return isDirectory(path) ? refused("is-directory") : answered(nodes.get(path));
    },
    mkdir: (path) => {
      if (ancestors(path).some(isFile)) return refused("not-directory");
      if (nodes.has(path)) return refused("already-exists");
      if (!ancestors(path).every((ancestor) => nodes.has(ancestor))) return refused("not-found");
      put(path, undefined);
      return answered(undefined);
    },
    remove: (path, recursive) => {
      if (!nodes.has(path)) return refused("not-found");
      if (!recursive && below(path).length > 0) return refused("not-empty");
      const gone = weight(path);
      for (const key of [...below(path), ...(path === "" ? [] : [path])]) nodes.delete(key);
      return answered(gone);
    },
    copy: (from, to, mode) => {
      const fault = transferFault(from, to, mode);
      if (fault !== undefined) return refused(fault);
      const before = sizeOf(to);
      transfer(from, to);
      return answered(
        isFile(to)
          ? { size: sizeOf(to), created: before === undefined, replaced: before }
          : weight(to),
      );
    },
    move: (from, to, mode) => {
      const fault = transferFault(from, to, mode);
      if (fault !== undefined) return refused(fault);
      const before = sizeOf(to);
      transfer(from, to);
      for (const key of [from, ...below(from)]) nodes.delete(key);
      return answered({ replaced: before });
    },
    tree: () =>
      Object.fromEntries(
        [...nodes]
          .filter(([path]) => path !== "")
          .map(([path, content]) => (content === undefined ? [`${path}/`, ""] : [path, content])),
      ),
  };
};
