import { type Context, isFileError, parent, silent, type VirtualPath } from "@bulkhead/contract";
import type { MountTable } from "./mount-table.ts";
import { narrow } from "./narrow.ts";

/** Makes a directory above a mount point in the storage that covers it, with all above it there. */
export const materialize = async (
  table: MountTable,
  ctx: Context,
  path: VirtualPath,
): Promise<void> => {
  const place = table.resolve(path);
  if (table.mountAt(path) !== undefined) return;
  const above = parent(path);
  if (above !== undefined) await materialize(table, ctx, above);
  try {
    await place.mount.backend.mkdir(narrow(ctx, silent(ctx.settlement)), place.path);
  } catch (error) {
    if (!isFileError(error, "already-exists")) throw error;
  }
};
