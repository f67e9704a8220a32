import { type Body, FileError, type OpContext, type Staged } from "@bulkhead/contract";

/** One try at a call: how far it came, and whether a failure was the storage's or came from outside of it. */
export interface Attempt {
  /** The caller's context, whose `commit` is watched. */
  readonly ctx: OpContext;
  /** The same body, watched. */
  readonly watch: (body: Body) => Body;
  /** True once the body was pulled: one that is not replayable cannot be sent again. */
  readonly opened: () => boolean;
  /** What a commit was asked for: from there on the effect may stand, whatever was answered. */
  readonly committed: () => Staged | undefined;
  /** True for what the body threw or the commit was refused with: no failure of the storage. */
  readonly isForeign: (error: unknown) => boolean;
  /** Refuses every later commit with `aborted`: who was given up on changes nothing any more. */
  readonly giveUp: () => void;
}

/** Begins a try at a call. */
export const beginAttempt = (ctx: OpContext): Attempt => {
  const foreign = new Set<unknown>();
  let committed: Staged | undefined;
  let opened = false;
  let over = false;

  async function* watched(body: Body): AsyncGenerator<Uint8Array> {
    try {
      yield* body.open();
    } catch (error) {
      foreign.add(error);
      throw error;
    }
  }

  return {
    ctx: {
      ...ctx,
      commit: async (staged) => {
        if (over) throw new FileError("aborted", "This attempt was given up on.");
        committed = staged;
        try {
          await ctx.commit(staged);
        } catch (error) {
          foreign.add(error);
          throw error;
        }
      },
    },
    watch: (body) => ({
      size: body.size,
      replayable: body.replayable,
      open: () => {
        opened = true;
        return watched(body);
      },
    }),
    opened: () => opened,
    committed: () => committed,
    isForeign: (error) =>
      foreign.has(error) || (error instanceof Error && foreign.has(error.cause)),
    giveUp: () => {
      over = true;
    },
  };
};
