import type { OpContext } from "@bulkhead/contract";
import { answerFor } from "./fault.ts";

/** Carries what is not the store's through: what a body threw, or a commit was refused with. */
export class Foreign extends Error {
  override readonly name = "Foreign";
  constructor(cause: unknown) {
    super("not the storage's", { cause });
  }
}

/** Runs an operation: the store's failures are answered as failures of a storage, everybody else's as they are. */
export const answering = async <R>(
  ctx: OpContext,
  work: (ctx: OpContext) => Promise<R>,
): Promise<R> => {
  const own: OpContext = {
    ...ctx,
    commit: async (staged) => {
      try {
        await ctx.commit(staged);
      } catch (error) {
        throw new Foreign(error);
      }
    },
  };
  try {
    return await work(own);
  } catch (error) {
    throw error instanceof Foreign ? error.cause : answerFor(error, ctx.signal);
  }
};
