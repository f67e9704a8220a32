import { FileError, type Recovery } from "@bulkhead/contract";
import { checkSignal } from "@bulkhead/kit";
import { collect } from "./collect.ts";
import { discard } from "./stage.ts";
import type { Volume } from "./volume.ts";

const uuid = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/**
 * Makes the recovery of a tree. The effect's row decides: there, it happened; not there, it is made impossible in the
 * same step, for a transaction that is still under way would break on the row that `recover` leaves.
 */
export const recovery = (volume: Volume, effectKeepMs: number): Recovery => ({
  recover: async (ctx, { operation, staged }) => {
    checkSignal(ctx.signal);
    if (operation === "stat" || operation === "read" || operation === "list")
      throw new FileError(
        "invalid-request",
        `No ${operation} changes anything, so none can be interrupted.`,
      );
    if (!uuid.test(staged))
      throw new FileError("invalid-request", "This storage never staged anything by that id.");
    if ((await volume.database.verdict(staged, ctx.signal)) !== undefined) return "done";
    await discard(volume, staged);
    return "undone";
  },
  sweep: async (ctx) => {
    checkSignal(ctx.signal);
    await volume.database.rows("forget", [effectKeepMs], ctx.signal);
    await collect(volume, ctx.signal);
  },
});
