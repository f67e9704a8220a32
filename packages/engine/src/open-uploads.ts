import { randomUUID } from "node:crypto";
import {
  type Body,
  type Context,
  FileError,
  type Idempotency,
  isFileError,
  parseRequestPath,
  type Stat,
  type Upload,
  type UploadControl,
  type VirtualPath,
  type WholeSession,
  type WholeTree,
  type WriteOptions,
  type WriteResult,
} from "@bulkhead/contract";
import { checkDeclared, overrideWhole } from "@bulkhead/kit";
import type { Reservations, UploadRow, Uploads } from "@bulkhead/ledger";
import type { Audited, Usage } from "@bulkhead/policy";
import { scope } from "@bulkhead/vfs";
import type { RootsTable } from "./roots.ts";
import { stagePart } from "./staged-part.ts";
import { busy, final, judge, missing, ownerOf, shown } from "./upload-rules.ts";
import { leaseMs, whileWriting } from "./upload-writer.ts";
import type { UploadsFolder } from "./uploads-folder.ts";

export interface UploadsOptions {
  readonly uploads: Uploads;
  readonly reservations: Reservations;
  readonly idempotency: Idempotency;
  readonly folder: UploadsFolder;
  readonly storages: WholeTree;
  /** All policy around a tree, and a session in front of it. */
  readonly governed: (tree: WholeTree, usage: Usage) => WholeSession;
  readonly roots: Pick<RootsTable, "table">;
  readonly namespaceRoots: readonly string[];
  /** The region that this process stages in. */
  readonly region: string | undefined;
  readonly asks: Audited;
  /** How long an upload waits for its next part, in milliseconds. */
  readonly expiryMs: number;
}

/** Uploads that one tenant has begun and not ended. */
const mostOpen = 1000;
/** Holds nothing of its own: an upload holds its room from part to part. */
const heldAlready = (id: string): Usage => ({
  hold: () => ({ id, more: async () => undefined, end: async () => undefined }),
});

/** Uploads in parts: staged in a folder of this server, decided part by part, committed as one write. */
export const openUploads = (options: UploadsOptions): UploadControl => {
  const { uploads, folder, storages, governed, expiryMs, asks } = options;

  const there = async (ctx: Context, path: VirtualPath): Promise<Stat | undefined> => {
    try {
      return await storages.stat(ctx, path);
    } catch (error) {
      if (isFileError(error, "not-found") || isFileError(error, "not-directory")) return undefined;
      throw error;
    }
  };

  type Staging = (
    ctx: Context,
    path: VirtualPath,
    body: Body,
    write?: WriteOptions,
  ) => Promise<void>;

  /** A session whose write does what is given, once all policy has said that it may. */
  const staging = (stage: Staging): WholeSession =>
    governed(
      overrideWhole(storages, {
        write: async (ctx, path, body, write): Promise<WriteResult> => {
          await stage(ctx, path, body, write);
          return { etag: "", size: 0, created: false };
        },
      }),
      heldAlready(randomUUID()),
    );

  /** Throws where the file could not be written, or its bytes may not lie here meanwhile. */
  const judged = async (
    ctx: Context,
    path: VirtualPath,
    size: number,
    write: WriteOptions = {},
  ): Promise<number> => {
    const { mount } = options.roots.table().resolve(path);
    if (mount.readOnly === true)
      throw new FileError("forbidden", "This part of the tree is mounted read-only.");
    if (mount.region !== undefined && mount.region !== options.region)
      throw new FileError(
        "residency",
        "Content of this part of the tree may not be staged where this server is; send it in one request.",
      );
    const stat = await there(ctx, path);
    checkDeclared(mount.backend.capability, write, size);
    judge(stat, write.mode ?? "overwrite");
    return stat?.size ?? 0;
  };

  /** Refuses what there is no room for now. Nothing is held for it yet. */
  const roomFor = async (charged: string | undefined, bytes: number): Promise<void> => {
    if (charged === undefined || bytes <= 0) return;
    const id = randomUUID();
    await options.reservations.reserve(charged, id, bytes, bytes);
    await options.reservations.release(charged, id);
  };

  const over = async (tenant: string | undefined, row: UploadRow): Promise<void> => {
    await uploads.end(tenant, row.id);
    if (row.charged !== undefined) await options.reservations.release(row.charged, row.id);
    await folder.remove(row.id);
  };

  const finished = async (
    tenant: string | undefined,
    row: UploadRow,
    writer: string,
  ): Promise<Upload> => {
    await uploads.keep(tenant, row.id, writer, {
      stored: row.size,
      done: true,
      leaseMs,
      expiryMs,
    });
    if (row.charged !== undefined) await options.reservations.release(row.charged, row.id);
    await folder.remove(row.id);
    return shown({ ...row, done: true });
  };

  /** Writes the file. What was committed by an attempt whose end nobody heard of is not written again. */
  const commit = async (
    ctx: Context,
    row: UploadRow,
    writer: string,
    checked: ((content: AsyncIterable<Uint8Array>) => AsyncIterable<Uint8Array>) | undefined,
  ): Promise<Upload & { readonly written?: WriteResult }> => {
    const { tenant } = ownerOf(ctx);
    const session = governed(storages, heldUpload(row));
    const path = parseRequestPath(row.path);
    if (row.claim !== undefined) {
      // A storage outside the ledger settles what a process left when it is opened.
      await session.stat(ctx, path).catch(() => undefined);
      if (await uploads.committed(row.claim)) return finished(tenant, row, writer);
    }
    const claim = await options.idempotency.claim(
      ctx,
      "PATCH /v1/uploads",
      `${row.id}.${writer}`,
      undefined,
    );
    if (claim.state !== "new") throw busy();
    if (!(await uploads.keep(tenant, row.id, writer, { claim: claim.id, leaseMs, expiryMs })))
      throw busy();
    const body = folder.body(row.id, row.size);
    const { mode, contentType, metadata } = row.facts;
    ctx.settlement.idempotency = claim.id;
    try {
      const written = await session.write(
        ctx,
        path,
        checked === undefined ? body : { ...body, open: () => checked(body.open()) },
        { mode, ...(contentType !== undefined && { contentType }), ...(metadata && { metadata }) },
      );
      return { ...(await finished(tenant, row, writer)), written };
    } catch (error) {
      if (error instanceof FileError && final.has(error.code)) await over(tenant, row);
      throw error;
    } finally {
      ctx.settlement.idempotency = undefined;
    }
  };

  /** What an upload holds already is what its commit takes over. */
  const heldUpload = (row: UploadRow): Usage => ({
    hold: (charged) => ({
      id: row.id,
      more: async (_wanted, least) =>
        (await uploads.reserve(charged, row.id, least, expiryMs)) ? least : undefined,
      end: async () => undefined,
    }),
  });

  const stage = async (
    ctx: Context,
    row: UploadRow,
    writer: string,
    part: Parameters<UploadControl["append"]>[2],
  ): Promise<number> => {
    const { tenant } = ownerOf(ctx);
    let end = row.stored;
    const session = staging(async (inner, path, body) => {
      if (inner.settlement.tenant !== row.charged) throw missing();
      const before = (await there(inner, path))?.size ?? 0;
      const file = await folder.begin(row.id, part.offset);
      let limited = row.charged !== undefined;
      try {
        end = await stagePart({
          body,
          writing: file,
          offset: part.offset,
          size: row.size,
          whole: part.whole,
          room: async (total) => {
            if (!limited || row.charged === undefined || total <= before) return;
            limited = await uploads.reserve(row.charged, row.id, total - before, expiryMs);
          },
          reached: async (stored) => {
            // Decided again: nothing counts that came after a revoke had returned.
            await inner.commit({ id: row.id, size: stored });
            const counted = Math.max(0, Math.min(stored, row.size - 1));
            const progress = { stored: counted, leaseMs, expiryMs };
            if (!(await uploads.keep(tenant, row.id, writer, progress))) throw busy();
          },
        });
      } finally {
        await file.close();
      }
    });
    await session.write(ctx, parseRequestPath(row.path), part.body);
    return end;
  };

  return {
    begin: async (ctx, path, { size, digest, ...write }) => {
      let charged: string | undefined;
      const session = staging(async (inner, place, _body, asked) => {
        charged = inner.settlement.tenant;
        await roomFor(charged, size - (await judged(inner, place, size, asked)));
      });
      await session.write(ctx, path, { size: 0, replayable: true, open: nothing }, write);
      const facts = {
        mode: write.mode ?? "overwrite",
        contentType: write.contentType,
        metadata: write.metadata,
        digest,
      };
      const place = scope(ctx.principal.reach, options.namespaceRoots, path);
      const row = await uploads.create(
        ownerOf(ctx),
        { charged, store: folder.id, path: place, size, facts },
        expiryMs,
        mostOpen,
      );
      return shown(row);
    },

    get: (ctx, id) =>
      asks(ctx, "upload.look", "", async () => {
        const row = await uploads.get(ownerOf(ctx), id);
        if (row === undefined) throw missing();
        return shown(row);
      }),

    append: async (ctx, id, part) => {
      const by = ownerOf(ctx);
      const writer = randomUUID();
      const row = await uploads.claim(by, id, writer, leaseMs);
      if (row === undefined) throw missing();
      if (row === "busy") throw busy();
      return whileWriting({ uploads, tenant: by.tenant, id, writer, expiryMs }, async () => {
        if (row.store !== folder.id)
          throw new FileError("unavailable", "Another server keeps this upload; try again.", {
            fields: { retryAfter: 1 },
          });
        const offset = row.done ? row.size : row.stored;
        if (part.offset !== offset)
          throw new FileError("conflict", `The next part of this upload begins at ${offset}.`, {
            retry: "never",
          });
        if (row.done) return shown(row);
        const end = await stage(ctx, row, writer, part);
        if (end === row.size) return commit(ctx, row, writer, part.checked);
        return shown({ ...row, stored: end });
      });
    },

    end: (ctx, id) =>
      asks(ctx, "upload.end", "", async () => {
        const by = ownerOf(ctx);
        const row = await uploads.claim(by, id, randomUUID(), leaseMs);
        if (row === undefined) throw missing();
        if (row === "busy") throw busy();
        await over(by.tenant, row);
      }),
  };
};

async function* nothing(): AsyncGenerator<Uint8Array> {}
