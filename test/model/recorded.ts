import { waitFor } from "@bulkhead/harness";
import { expect } from "vitest";
import type { Tally } from "./run.ts";
import type { System } from "./system.ts";

/**
 * Looks for every refusal that the model gave. They are written once a second, behind the answers. More than those may
 * be there: an operation that is made of several, and a look that the server takes to answer, are refused on record too.
 */
export const recordedAll = async (system: System, { denied, keys }: Tally): Promise<void> => {
  const missing = async (): Promise<readonly string[]> => {
    const seen = await system.refusals();
    return [...denied]
      .filter(
        ([what, count]) => keys.has(what.split(" ")[0] ?? "") && (seen.get(what) ?? 0) < count,
      )
      .map(([what, count]) => `${what}: ${count} given, ${seen.get(what) ?? 0} on record`);
  };
  await waitFor(async () => (await missing()).length === 0, { timeout: 5000 }).catch(
    () => undefined,
  );
  expect((await missing()).join("\n")).toBe("");
};
