import { FileError, type OpContext, type Settlement, type Staged } from "@bulkhead/contract";
import { checkSignal } from "./cancelled.ts";
import type { Answer } from "./ledger-commit.ts";
import { refusalError } from "./refusal.ts";

/** How often a commit is decided again, or tried again, before the caller is told to come back. */
const tries = 5;

/**
 * Commits in the ledger, where fences and revisions are checked. Only if a revision moved is `ctx.commit` asked: it
 * decides again, or rejects, and leaves the newer revisions in the settlement. Throws what the ledger refused, and
 * `conflict` if it moves faster than that.
 */
export const committed = async <R>(
  ctx: OpContext,
  staged: Staged,
  attempt: (settlement: Settlement) => Promise<Answer<R>>,
): Promise<R> => {
  for (let i = 0; i <= tries; i++) {
    checkSignal(ctx.signal);
    // Read at each try: a decision made again replaces the revisions of the caller's draft.
    const answer = await attempt(ctx.settlement);
    if (answer.state === "done") return answer;
    if (answer.state === "refused") throw refusalError(answer);
    if (answer.state === "moved" && i < tries) await ctx.commit(staged);
  }
  throw new FileError(
    "conflict",
    "Access rules or the tree are changing faster than this can commit; try again.",
  );
};
