import { type OpContext, parseBackendPath, type Recovery } from "@bulkhead/contract";
import type { Intents } from "./ports.ts";

/**
 * Settles what earlier processes left on a mount, asking the storage what happened, then discards what they had staged.
 * Runs before the mount opens, while nothing else holds it.
 */
export const sweep = async (
  ctx: OpContext,
  intents: Intents,
  mount: string,
  recovery: Recovery,
): Promise<number> => {
  const left = await intents.pending(mount);
  for (const { id, state, staged, operation, paths } of left) {
    const interrupted = { operation, paths: paths.map(parseBackendPath), staged: staged ?? "" };
    // In order: a later intent may lie on what an earlier one did.
    const side = state === "open" ? "undone" : await recovery.recover(ctx, interrupted);
    await (side === "done" ? intents.settle(id, {}) : intents.discard(id));
  }
  await recovery.sweep(ctx);
  return left.length;
};
