import { type Backend, type OpContext, parseBackendPath, type Recovery } from "@bulkhead/contract";
import { changedBy } from "./facts.ts";
import { look } from "./look.ts";
import type { Accounted, Fact, Intents } from "./ports.ts";

/** How what is found is charged: to the tenant on whose ground the storage lies. */
export interface Recharging {
  readonly accounted: Accounted;
  readonly backend: Backend;
}

/**
 * Settles what earlier processes left on a mount, asking the storage what happened and charging what is there, then
 * discards what they had staged. Runs before the mount opens, while nothing else holds it.
 */
export const sweep = async (
  ctx: OpContext,
  intents: Intents,
  mount: string,
  recovery: Recovery,
  charging?: Recharging,
): Promise<number> => {
  const left = await intents.pending(mount);
  for (const { id, state, staged, operation, paths: named, tenant } of left) {
    const paths = named.map(parseBackendPath);
    const interrupted = { operation, paths, staged: staged ?? "" };
    // In order: a later intent may lie on what an earlier one did.
    const side = state === "open" ? "undone" : await recovery.recover(ctx, interrupted);
    if (side === "undone") {
      await intents.discard(id);
      continue;
    }
    const facts: Fact[] = [];
    if (charging !== undefined)
      for (const path of changedBy(operation, paths))
        facts.push(await look({ ...charging, mount }, tenant, ctx, path));
    await intents.settle(id, {}, charging && { facts, alone: true });
  }
  await recovery.sweep(ctx);
  return left.length;
};
