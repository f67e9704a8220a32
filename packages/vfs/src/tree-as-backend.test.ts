import { memory } from "@bulkhead/backend-memory";
import { conformance, type Runner } from "@bulkhead/conformance";
import {
  type Accepted,
  type Backend,
  type BackendPath,
  type Capability,
  child,
  type Context,
  FileError,
  isFileError,
  isRoot,
  type MoveOptions,
  type OpContext,
  parseVirtualPath,
  segmentsOf,
  type Stat,
  type Tree,
  type VirtualPath,
} from "@bulkhead/contract";
import { compareEntries, guard, listAll, overrideBackend, pageOf } from "@bulkhead/kit";
import { describe, it } from "vitest";
import { MountTable } from "./mount-table.ts";
import { tree } from "./tree.ts";

const at = (raw: string): VirtualPath => parseVirtualPath(raw);

const asking = (ctx: OpContext): Context => ({
  ...ctx,
  cut: () => undefined,
  principal: {
    kind: "platform",
    keyId: "k",
    tenant: undefined,
    subject: { type: "service", id: "suite" },
    scopes: ["read", "write"],
    reach: { home: at("/"), bounds: [at("/")] },
    expiresAt: undefined,
  },
});

/** Fails the case if a storage is told who is asking. */
const strict = (backend: Backend): Backend => {
  const told = guard<BackendPath, OpContext>((ctx, _, next) =>
    "principal" in ctx ? Promise.reject(new Error("a storage was told who is asking")) : next(ctx),
  );
  return overrideBackend(backend, told(backend));
};

const plain = <R>(answer: R | Accepted): R => {
  if (typeof answer === "object" && answer !== null && "job" in answer)
    throw new Error("no job was asked for");
  return answer as R;
};

interface Spread {
  readonly tree: Tree;
  /** Where a path that is no root lies. */
  readonly place: (path: BackendPath) => VirtualPath;
  /** The directories that together are the root. */
  readonly roots: readonly VirtualPath[];
  readonly capability: Partial<Capability>;
}

/** A part of a tree seen as one storage, whose root is that of one or more mounts. */
const asBackend = ({ tree: whole, place, roots, capability }: Spread): Backend => {
  const first = roots[0] ?? at("/");
  const onto = async (
    ctx: OpContext,
    from: BackendPath,
    to: BackendPath,
    options?: MoveOptions,
  ): Promise<void> => {
    if (isRoot(from)) throw new FileError("invalid-request", "The root is not copied or moved.");
    if (!isRoot(to)) return;
    const source = await whole.stat(asking(ctx), place(from));
    if (options?.ifMatch !== undefined && options.ifMatch !== source.etag)
      throw new FileError("precondition-failed", "The source has changed.");
    throw new FileError("already-exists", "The root is there.");
  };
  const pathOf = (path: BackendPath): VirtualPath => (isRoot(path) ? first : place(path));
  const everything = async (ctx: OpContext): Promise<Stat[]> => {
    const all: Stat[] = [];
    for (const root of roots)
      for await (const entry of listAll(whole, asking(ctx), root)) all.push(entry);
    return all.sort(compareEntries);
  };
  const base = memory();
  return {
    scheme: "tree",
    capability: {
      ...base.capability,
      maxPathBytes: base.capability.maxPathBytes - 8,
      ...capability,
    },
    region: base.region,
    probe: base.probe,
    close: base.close,
    stat: async (ctx, path) => {
      const stat = await whole.stat(asking(ctx), pathOf(path));
      return isRoot(path) ? { ...stat, name: "" } : stat;
    },
    read: async (ctx, path, options) => whole.read(asking(ctx), pathOf(path), options),
    write: async (ctx, path, body, options) =>
      whole.write(asking(ctx), pathOf(path), body, options),
    list: async (ctx, path, options) =>
      isRoot(path) && roots.length > 1
        ? pageOf(await everything(ctx), options)
        : whole.list(asking(ctx), pathOf(path), options),
    mkdir: async (ctx, path) => whole.mkdir(asking(ctx), pathOf(path)),
    remove: async (ctx, path, options) => {
      if (!isRoot(path)) return plain(await whole.remove(asking(ctx), place(path), options));
      if (
        options?.ifMatch === undefined &&
        options?.recursive !== true &&
        (await everything(ctx)).length > 0
      )
        throw new FileError("not-empty", "The root holds something.");
      let files = 0;
      let bytes = 0;
      try {
        for (const root of roots) {
          const removed = plain(await whole.remove(asking(ctx), root, options));
          files += removed.files;
          bytes += removed.bytes;
        }
      } catch (error) {
        // An empty mount point stays, which a storage's own root does without a word.
        if (!isFileError(error, "forbidden")) throw error;
      }
      return { files, bytes };
    },
    copy: async (ctx, from, to, options) => {
      await onto(ctx, from, to, options);
      return plain(await whole.copy(asking(ctx), place(from), place(to), options));
    },
    move: async (ctx, from, to, options) => {
      await onto(ctx, from, to, options);
      return plain(await whole.move(asking(ctx), place(from), place(to), options));
    },
  };
};

const below = (root: VirtualPath, path: BackendPath): VirtualPath =>
  segmentsOf(path).reduce(child, root);

const mounted = (...points: readonly string[]): Tree => {
  const table = MountTable.of(
    points.map((point) => ({ id: point, path: at(point), backend: strict(memory()) })),
  );
  return tree(() => table);
};

/** A place in the tree is itself some segments deep. */
const tooDeep = "keeps the longest path of single letters, as deep as it goes";
/** What touches two storages asks each of them. */
const twoCommits = [
  "asks once for the removal of everything, telling what is staged",
  "asks once for a move over a file, telling what is staged",
];

const except = (...names: readonly string[]): Runner => ({
  describe,
  it: (title, body) =>
    names.some((name) => title === name || title.startsWith(`${name} [`))
      ? it.skip(`${title} [only where one storage at the root serves all]`)
      : it(title, body),
});

const single = (
  runner: Runner,
  name: string,
  root: VirtualPath,
  ...points: readonly string[]
): void =>
  conformance(runner, {
    name,
    open: () => {
      const whole = mounted(...points);
      const place = (path: BackendPath): VirtualPath => below(root, path);
      return Promise.resolve({
        backend: asBackend({ tree: whole, place, roots: [root], capability: {} }),
      });
    },
  });

single({ describe, it }, "tree over a root mount", at("/"), "/");
single(except(tooDeep), "tree under a mount point", at("/a/b"), "/", "/a/b", "/a/c");

// Names lie on one mount or the other by their first unit, so that most copies and moves of the suite cross over.
conformance(except(tooDeep, ...twoCommits), {
  name: "tree across two mounts",
  open: () => {
    const roots = [at("/a/b"), at("/a/c")] as const;
    const place = (path: BackendPath): VirtualPath =>
      below(roots[path.charCodeAt(0) % 2 === 0 ? 0 : 1], path);
    const capability = { atomicMove: false };
    return Promise.resolve({
      backend: asBackend({ tree: mounted("/", ...roots), place, roots, capability }),
    });
  },
});
