import {
  type Backend,
  type Capability,
  FileError,
  isRoot,
  nameOf,
  type OpContext,
  parent,
  pathLimits,
  type WriteResult,
} from "@bulkhead/contract";
import { pageOf, pathLocks } from "@bulkhead/kit";
import { checkSignal, gather } from "./gather.ts";
import { existing, judgeRead, judgeSource, judgeTarget, judgeTransfer } from "./judge.ts";
import {
  attach,
  detach,
  directory,
  type DirectoryNode,
  type FileNode,
  lookup,
  type Node,
  renamed,
  weigh,
} from "./node.ts";
import { served } from "./served.ts";

export interface MemoryOptions {
  /** Declares less than everything: what is not declared is not kept. */
  readonly capability?: Partial<Capability>;
  /** Milliseconds since the epoch; `OpContext.now` by default. */
  readonly clock?: () => number;
}

const everything: Capability = {
  conditionalWrite: true,
  atomicMove: true,
  directories: true,
  versions: false,
  exactReplace: true,
  contentEtag: false,
  orderedList: true,
  contentType: true,
  metadata: true,
  durable: false,
  maxFileSize: undefined,
  maxPathBytes: pathLimits.pathBytes,
};

const replacedBy = (file: FileNode | undefined): { replaced?: { size: number } } =>
  file === undefined ? {} : { replaced: { size: file.bytes.length } };

/**
 * Makes a backend that is a tree in memory: the reference for what every operation answers. A mutation stages its content,
 * takes the locks of its paths, judges, awaits `commit`, and then changes the tree in one step that no reader can split.
 */
export const memory = (options: MemoryOptions = {}): Backend => {
  const capability: Capability = { ...everything, ...options.capability };
  const root: DirectoryNode = directory("", 0);
  const locks = pathLocks();
  let closed = false;
  let counter = 0;

  const next = (): string => String(++counter);
  const nowOf = (ctx: OpContext): number => options.clock?.() ?? ctx.now;

  const live = (ctx: OpContext): void => {
    if (closed) throw new FileError("unavailable", "This storage is closed.");
    checkSignal(ctx.signal);
  };

  /** Stops for a cancelled request one last time, then asks for the commit: from here on the effect is owed. */
  const commit = async (ctx: OpContext, size: number, before?: FileNode): Promise<void> => {
    live(ctx);
    const etagBefore = before === undefined ? {} : { etagBefore: before.stat.etag };
    await ctx.commit({ id: `staged-${next()}`, size, ...etagBefore });
  };

  /** A file as it will stand in the tree: as old as what it replaces, and never older than that. */
  const fileNode = (
    like: Pick<FileNode, "bytes"> & {
      name: string;
      contentType?: string | undefined;
      metadata?: Readonly<Record<string, string>> | undefined;
    },
    now: number,
    before?: FileNode,
  ): FileNode => ({
    kind: "file",
    bytes: like.bytes,
    stat: Object.freeze({
      name: like.name,
      kind: "file",
      size: like.bytes.length,
      modifiedAt: Math.max(now, before?.stat.modifiedAt ?? now),
      createdAt: before?.stat.createdAt ?? now,
      etag: next(),
      ...(like.contentType !== undefined &&
        capability.contentType && { contentType: like.contentType }),
      ...(like.metadata &&
        capability.metadata && { metadata: Object.freeze({ ...like.metadata }) }),
    }),
  });

  const duplicate = (node: Node, name: string, now: number, before?: FileNode): Node => {
    if (node.kind === "file")
      return fileNode(
        {
          name,
          bytes: node.bytes,
          contentType: node.stat.contentType,
          metadata: node.stat.metadata,
        },
        now,
        before,
      );
    const made = directory(name, now);
    for (const { name: inner } of node.ordered) {
      const original = node.children.get(inner);
      if (original === undefined) continue;
      const copy = duplicate(original, inner, now);
      made.children.set(inner, copy);
      made.ordered.push(copy.stat);
    }
    return made;
  };

  const written = (file: FileNode, before: FileNode | undefined): WriteResult => ({
    etag: file.stat.etag,
    size: file.bytes.length,
    created: before === undefined,
    ...replacedBy(before),
  });

  return {
    scheme: "memory",
    capability,
    region: () => Promise.resolve(undefined),
    probe: async (ctx) => live(ctx),
    close: async () => {
      closed = true;
    },

    stat: async (ctx, path) => {
      live(ctx);
      return existing(root, path).stat;
    },

    read: async (ctx, path, { range, ifMatch } = {}) => {
      live(ctx);
      return served(judgeRead(root, path, ifMatch), range, ctx.signal);
    },

    list: async (ctx, path, page) => {
      live(ctx);
      const node = existing(root, path);
      if (node.kind === "file")
        throw new FileError("not-directory", "There is a file at this path.");
      return pageOf(node.ordered, page);
    },

    write: async (ctx, path, body, { mode = "overwrite", contentType, metadata } = {}) => {
      live(ctx);
      // Judged before the body is pulled, to spare it where it cannot be stored, and again for good under the lock.
      judgeTarget(root, path, mode);
      const bytes = await gather(body, ctx.signal, capability.maxFileSize);
      return locks.hold({ exclusive: [path] }, async () => {
        const before = judgeTarget(root, path, mode);
        await commit(ctx, bytes.length, before);
        const now = nowOf(ctx);
        const file = fileNode({ name: nameOf(path), bytes, contentType, metadata }, now, before);
        attach(root, path, file, now);
        return written(file, before);
      });
    },

    mkdir: (ctx, path) =>
      locks.hold({ exclusive: [path] }, async () => {
        live(ctx);
        const holder = parent(path);
        if (holder !== undefined && lookup(root, holder) === "missing")
          throw new FileError(
            "not-found",
            "The directory that would hold this one does not exist.",
          );
        judgeTarget(root, path, "create");
        await commit(ctx, 0);
        attach(root, path, directory(nameOf(path), nowOf(ctx)), nowOf(ctx));
      }),

    remove: (ctx, path, { recursive = false, ifMatch } = {}) =>
      locks.hold({ exclusive: [path] }, async () => {
        live(ctx);
        const node = judgeSource(root, path, ifMatch);
        if (node.kind === "directory" && !recursive && node.ordered.length > 0)
          throw new FileError(
            "not-empty",
            "The directory is not empty; remove what is in it, or ask for all of it.",
          );
        const gone = weigh(node);
        await commit(ctx, 0, node.kind === "file" ? node : undefined);
        if (isRoot(path)) {
          root.children.clear();
          root.ordered.length = 0;
        } else detach(root, path);
        return gone;
      }),

    copy: (ctx, from, to, { mode = "create", ifMatch } = {}) =>
      locks.hold({ exclusive: [to], shared: [from] }, async () => {
        live(ctx);
        const { source, replaced } = judgeTransfer(root, from, to, mode, ifMatch);
        const weight = weigh(source);
        const now = nowOf(ctx);
        const made = duplicate(source, nameOf(to), now, replaced);
        await commit(ctx, weight.bytes, replaced);
        attach(root, to, made, now);
        return made.kind === "file" ? written(made, replaced) : weight;
      }),

    move: (ctx, from, to, { mode = "create", ifMatch } = {}) =>
      locks.hold({ exclusive: [from, to] }, async () => {
        live(ctx);
        const { source, replaced } = judgeTransfer(root, from, to, mode, ifMatch);
        await commit(ctx, 0, replaced);
        detach(root, from);
        attach(root, to, renamed(source, nameOf(to)), nowOf(ctx));
        return replacedBy(replaced);
      }),
  };
};
