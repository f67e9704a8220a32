import type { Context, Principal, ReadResult } from "@bulkhead/contract";
import type { Authority } from "./ports.ts";

export interface StreamWatch {
  /** The same answer, ended with an error within a second of its key losing what it was opened with. */
  readonly watch: (
    ctx: Context,
    result: ReadResult,
    decide: (principal: Principal) => void,
  ) => ReadResult;
  /** How many streams are open. */
  readonly open: () => number;
  readonly close: () => void;
}

interface Watched {
  readonly ctx: Context;
  readonly decide: (principal: Principal) => void;
  cut: Error | undefined;
}

/** Asks the ledger once a second for the keys of all open streams, in one shared read. */
export const streamWatch = (authority: Authority, everyMs: number = 1000): StreamWatch => {
  const watched = new Set<Watched>();
  let timer: NodeJS.Timeout | undefined;

  const check = async (stream: Watched): Promise<void> => {
    try {
      const { principal } = await authority.readmit(stream.ctx.principal.keyId);
      stream.decide(principal);
    } catch (error) {
      // A ledger that does not answer fails closed as well: nobody can say that the key still holds.
      stream.cut = error instanceof Error ? error : new Error("The stream was cut.");
      watched.delete(stream);
      stream.ctx.cut();
    }
  };
  const tick = (): void => {
    timer = undefined;
    void Promise.all([...watched].map(check)).then(arm);
  };
  const arm = (): void => {
    if (watched.size > 0 && timer === undefined) timer = setTimeout(tick, everyMs).unref();
  };

  async function* relay(
    content: AsyncIterable<Uint8Array>,
    stream: Watched,
  ): AsyncGenerator<Uint8Array> {
    for await (const chunk of content) {
      if (stream.cut !== undefined) throw stream.cut;
      yield chunk;
    }
  }

  return {
    watch: (ctx, result, decide) => {
      if (result.content instanceof Uint8Array) return result;
      const stream: Watched = { ctx, decide, cut: undefined };
      watched.add(stream);
      arm();
      return {
        stat: result.stat,
        ...(result.range && { range: result.range }),
        content: relay(result.content, stream),
        [Symbol.asyncDispose]: async () => {
          watched.delete(stream);
          await result[Symbol.asyncDispose]();
        },
      };
    },
    open: () => watched.size,
    close: () => {
      clearTimeout(timer);
      watched.clear();
    },
  };
};
