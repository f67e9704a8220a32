import {
  type Backend,
  type Context,
  parseVirtualPath,
  type Principal,
  type Recovery,
  type Tree,
  type VirtualPath,
} from "@bulkhead/contract";
import { plainContext } from "@bulkhead/kit";
import { MountTable, tree } from "@bulkhead/vfs";
import { type FileSystem, fileSystem } from "./file-system.ts";

export interface CreateFSOptions {
  /** Which storage serves which part of the tree; `/` is needed unless everything lies below the others. */
  readonly mounts: Readonly<Record<string, Backend | Promise<Backend>>>;
}

/** In process there is nobody to ask: the caller is the program itself. */
const everybody: Principal = {
  kind: "platform",
  keyId: "process",
  tenant: undefined,
  subject: { type: "service", id: "process" },
  scopes: ["read", "write", "share", "admin"],
  reach: { home: parseVirtualPath("/"), bounds: [parseVirtualPath("/")] },
  expiresAt: undefined,
};

const isRecoverable = (backend: Backend): backend is Backend & Recovery => "sweep" in backend;

/** Discards what a program that was killed had staged; without a ledger nobody else would. */
const swept = async (backend: Backend): Promise<Backend> => {
  if (isRecoverable(backend)) await backend.sweep(plainContext());
  return backend;
};

/**
 * Makes one file tree of several storages, in process: mount table and tree, without ledger, keys or tenants. Rejects
 * with `invalid-path` or `invalid-request` for mounts that cannot stand side by side. One process at a time may hold a
 * folder: what another one has staged there is discarded.
 */
export const createFS = async ({ mounts }: CreateFSOptions): Promise<FileSystem> => {
  const opened = await Promise.all(
    Object.entries(mounts).map(async ([path, backend]) => ({
      id: path,
      path: parseVirtualPath(path),
      backend: await swept(await backend),
    })),
  );
  const table = MountTable.of(opened);
  const whole: Tree = tree(() => table);
  const context = (signal: AbortSignal | undefined): Context => ({
    ...plainContext(signal && { signal }),
    principal: everybody,
    cut: () => undefined,
  });
  return fileSystem<VirtualPath>(whole, parseVirtualPath, context, async () => {
    await Promise.all(opened.map(({ backend }) => backend.close()));
  });
};
