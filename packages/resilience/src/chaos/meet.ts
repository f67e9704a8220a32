import { type Body, FileError, type OpContext } from "@bulkhead/contract";
import { pullSome } from "./content.ts";
import type { Fault } from "./fault.ts";

const down = (): FileError => new FileError("unavailable", "The storage answered 503.");
/** The connection broke. */
export const reset = (): FileError =>
  new FileError("unavailable", "The connection to the storage was reset.", {
    cause: Object.assign(new Error("read ECONNRESET"), { code: "ECONNRESET" }),
  });
const full = (): FileError =>
  new FileError("unavailable", "The storage's disk is full; nothing was stored.");
/** Never answers, not even to a signal. */
export const forever = (): Promise<never> => new Promise<never>(() => undefined);
/** Rejects. */
export const fail = (error: FileError): Promise<never> => Promise.reject(error);

/**
 * Runs a call under a fault that does not depend on what the call is; the others are left to their operation. `body` is
 * pulled a little where the fault comes half-way through it.
 */
export const meet = async <R>(
  fault: Fault | undefined,
  latencyMs: number,
  ctx: OpContext,
  next: (ctx: OpContext) => Promise<R>,
  body?: Body,
): Promise<R> => {
  if (body !== undefined && (fault === "reset-before" || fault === "disk-full"))
    await pullSome(body);
  switch (fault) {
    case "latency":
      await new Promise((resolve) => setTimeout(resolve, latencyMs));
      return next(ctx);
    case "unavailable-before":
      return fail(down());
    case "reset-before":
      return fail(reset());
    case "disk-full":
      return fail(full());
    case "hang-before":
      return forever();
    case "unavailable-commit":
      return next({
        ...ctx,
        commit: async (staged) => {
          await ctx.commit(staged);
          throw down();
        },
      });
    case "unavailable-after":
      return next(ctx).then(() => fail(down()));
    case "reset-after":
      return next(ctx).then(() => fail(reset()));
    case "hang-after":
      return next(ctx).then(forever);
    case "short-read":
    case "torn-write":
    case "wrong-etag":
    case "bit-flip":
    case undefined:
      return next(ctx);
    default:
      return fault satisfies never;
  }
};
