import { randomUUID } from "node:crypto";
import {
  type Backend,
  type Capability,
  FileError,
  nameOf,
  type OpContext,
  pathLimits,
  type VersionPage,
  type Versions,
} from "@bulkhead/contract";
import { pageLimit, sortKey } from "@bulkhead/kit";
import { checkSignal } from "./cancelled.ts";
import { committed } from "./committed.ts";
import { type FrameRoom, frameRoom } from "./frame-room.ts";
import type { LedgerCommit, TreeRef } from "./ledger-commit.ts";
import { read } from "./read.ts";
import { found } from "./refusal.ts";
import { staging } from "./staging.ts";
import { typed, typedVersion } from "./typed.ts";
import { write, written } from "./write.ts";

export interface VersionedOptions {
  /** The tree in the ledger. */
  readonly tree: TreeRef;
  /**
   * Where content lies that is too long for its row. Nothing else may write there; closed with this backend, so trees
   * that share a storage each open it for themselves.
   */
  readonly content: Backend;
  readonly ledger: LedgerCommit;
  /** Content up to this many bytes lies in the ledger; 16 KiB by default, 0 where content may not be there. */
  readonly inlineLimit?: number;
  /** Where frames are held; room of its own by default. */
  readonly room?: FrameRoom;
}

export type VersionedBackend = Backend & Versions;

const inlineBytes = 16 * 1024;

const capabilityOf = (content: Capability): Capability => ({
  conditionalWrite: true,
  atomicMove: true,
  directories: true,
  versions: true,
  exactReplace: true,
  contentEtag: false,
  orderedList: true,
  contentType: true,
  metadata: true,
  durable: content.durable,
  maxFileSize: content.maxFileSize,
  maxPathBytes: pathLimits.pathBytes,
});

const checkLimit = (limit: number): void => {
  if (!Number.isInteger(limit) || limit < 1 || limit > pageLimit)
    throw new FileError("invalid-request", `A page holds 1 to ${pageLimit} entries.`);
};

/** A key to continue after, as the ledger can compare it: names hold no NUL, so what begins with one sorts no later. */
const comparable = (after: string): string => (after.split("\0")[0] ?? "").toWellFormed();

/**
 * Makes a backend of an index in the ledger over content in any other backend: with history, restore, and copies and
 * renames that move no bytes, on storage that has none of it. What is not a subtree is one transaction and one round
 * trip; an effect and what has to be known of it are in the same commit.
 */
export const versioned = (options: VersionedOptions): VersionedBackend => {
  const { tree, content, ledger, inlineLimit = inlineBytes, room = frameRoom() } = options;
  const staged = staging({ tree, ledger, content });
  let closed = false;

  const through =
    <A extends readonly unknown[], R>(
      call: (ctx: OpContext, ...rest: A) => Promise<R>,
    ): ((ctx: OpContext, ...rest: A) => Promise<R>) =>
    async (ctx, ...rest) => {
      if (closed) throw new FileError("unavailable", "This storage is closed.");
      checkSignal(ctx.signal);
      return call(ctx, ...rest);
    };

  /** Nothing is staged for what only changes rows; the commit has an id all the same. */
  const rows = (): { readonly id: string; readonly size: number } => ({
    id: randomUUID(),
    size: 0,
  });

  return {
    scheme: "versioned",
    capability: capabilityOf(content.capability),
    region: () => content.region(),
    probe: through(async (ctx) => {
      await content.probe(ctx);
      found(await ledger.stat(tree, ""));
    }),
    close: async () => {
      closed = true;
      staged.close();
      await content.close();
    },

    stat: through(async (_ctx, path) => typed(found(await ledger.stat(tree, path)).stat)),
    read: through(read({ tree, ledger, content, room })),
    write: through(write({ tree, ledger, staged, inlineLimit })),

    list: through(async (_ctx, path, { limit = pageLimit, after = "" } = {}) => {
      checkLimit(limit);
      const listed = found(await ledger.list(tree, path, comparable(after), limit + 1));
      const entries = listed.entries.map(typed);
      const last = entries[limit - 1];
      return entries.length > limit && last !== undefined
        ? { entries: entries.slice(0, limit), next: sortKey(last) }
        : { entries };
    }),

    mkdir: through(async (ctx, path) => {
      await committed(ctx, rows(), (settlement) => ledger.mkdir(tree, settlement, path));
    }),

    remove: through(async (ctx, path, { recursive = false, ifMatch } = {}) => {
      const { files, bytes } = await committed(ctx, rows(), (settlement) =>
        ledger.remove(tree, settlement, path, { recursive, ifMatch }),
      );
      return { files, bytes };
    }),

    copy: through(async (ctx, from, to, { mode = "create", ifMatch } = {}) => {
      const made = await committed(ctx, rows(), (settlement) =>
        ledger.copy(tree, { settlement, from, to, mode, ifMatch }),
      );
      if (made.directory === true) return { files: made.files, bytes: made.bytes };
      return written(made);
    }),

    move: through(async (ctx, from, to, { mode = "create", ifMatch } = {}) => {
      const { replaced } = await committed(ctx, rows(), (settlement) =>
        ledger.move(tree, { settlement, from, to, mode, ifMatch }),
      );
      return replaced === undefined ? {} : { replaced };
    }),

    versions: through(
      async (_ctx, path, { limit = pageLimit, after } = {}): Promise<VersionPage> => {
        checkLimit(limit);
        const told = found(await ledger.versions(tree, path, after, limit + 1)).entries;
        const entries = told.map((entry) => typedVersion(nameOf(path), entry));
        const last = entries[limit - 1];
        return entries.length > limit && last !== undefined
          ? { entries: entries.slice(0, limit), next: last.version }
          : { entries };
      },
    ),

    restore: through(async (ctx, path, version) =>
      written(
        await committed(ctx, rows(), (settlement) =>
          ledger.restore(tree, settlement, path, version),
        ),
      ),
    ),
  };
};
