import { type Context, FileError, isFileError, type Settlement } from "@bulkhead/contract";
import { standOn } from "../decided.ts";
import type { Authority } from "../ports.ts";

/** How often a change is decided again before the caller is told to come back. */
const decisions = 8;

/**
 * Runs a change that decides for itself, and runs it again on a new admission if what it was decided on moved meanwhile.
 * `run` gets a context whose settlement stands on that admission.
 */
export const decidingAgain = async <R>(
  authority: Pick<Authority, "readmit">,
  ctx: Context,
  settlement: Settlement,
  run: (ctx: Context) => Promise<R>,
): Promise<R> => {
  let now: Context = { ...ctx, settlement };
  for (let i = 1; ; i++) {
    try {
      return await run(now);
    } catch (error) {
      if (!isFileError(error, "conflict") || error.retry === "never") throw error;
      if (i === decisions)
        throw new FileError(
          "conflict",
          "Access rules are changing faster than this change can commit; try again.",
        );
    }
    const admission = await authority.readmit(ctx.principal);
    standOn(settlement, admission.revisions, admission.principal, []);
    now = { ...ctx, settlement, principal: admission.principal, now: admission.now };
  }
};
