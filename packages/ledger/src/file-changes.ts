import { FileError } from "@bulkhead/contract";
import type { Database } from "./database.ts";
import { functionCall } from "./function-call.ts";
import { platformUid } from "./types.ts";
import type { FileChange, FileChanges } from "./types-work.ts";

const after = functionCall("changes_v1", 3);
const heads = functionCall("change_heads_v1", 1);

type Found =
  | { readonly state: "gone" }
  | { readonly state: "done"; readonly head: number; readonly items: readonly FileChange[] };

/** Reads what changed: a tenant's rows under its row-level security, the heads of many by `background`. */
export const createFileChanges = (scoped: Database, background: Database): FileChanges => ({
  after: async (tenantUid, seq, limit) => {
    const found = await scoped.call<Found>(after, [tenantUid ?? platformUid, seq ?? null, limit]);
    if (found.state === "gone")
      throw new FileError(
        "invalid-request",
        "Changes after this cursor are not kept any more; list the tree and go on from 'latest'.",
      );
    return { head: found.head, items: found.items };
  },
  heads: async (tenantUids) =>
    new Map(Object.entries(await background.call<Record<string, number>>(heads, [tenantUids]))),
});
