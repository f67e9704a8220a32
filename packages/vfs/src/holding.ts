import { type Context, FileError, type OpContext, type VirtualPath } from "@bulkhead/contract";
import type { MountTable, Place } from "./mount-table.ts";
import { narrow } from "./narrow.ts";

/**
 * What a storage gets of a change: its commit is granted only while the mount that the call began on still holds the
 * path, or the change would land where nobody finds it.
 */
export const holding = (
  table: () => MountTable,
  ctx: Context,
  place: Place,
  at: VirtualPath,
): OpContext => ({
  ...narrow(ctx),
  commit: async (staged) => {
    await ctx.commit(staged);
    if (table().resolve(at).mount.id !== place.mount.id)
      throw new FileError("conflict", "Another storage is mounted here by now; try again.");
  },
});
