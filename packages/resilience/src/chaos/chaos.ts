import {
  type Backend,
  type Body,
  type BackendPath,
  type Layer,
  type OpContext,
  type Operation,
  type Stat,
} from "@bulkhead/contract";
import { overrideBackend } from "@bulkhead/kit";
import { brokenRead, flippedBody, flippedRead, shortRead, tornBody } from "./content.ts";
import { type Fault, faultsOf } from "./fault.ts";
import { seeded } from "./random.ts";
import { fail, forever, meet, reset } from "./meet.ts";
import type { Schedule } from "./schedule.ts";

export interface ChaosOptions {
  readonly schedule: Schedule;
  /** Steers which bit and which ETag; 1 by default. */
  readonly seed?: number;
  /** 20 by default. */
  readonly latencyMs?: number;
}

/** A fault that was injected into the nth call. */
export interface Injection {
  readonly n: number;
  readonly operation: Operation;
  readonly paths: readonly BackendPath[];
  readonly fault: Fault;
}

export interface Chaos {
  readonly layer: Layer<Backend>;
  /** What was injected so far, in order. */
  readonly injected: readonly Injection[];
  /** How many calls there were. */
  readonly calls: () => number;
}

/**
 * Makes storage faulty on purpose, for tests: what happens to which call is the schedule's, the same for the same seed,
 * and told in `injected`. Belongs directly around a storage, below everything that has to cope.
 */
export const chaos = (options: ChaosOptions): Chaos => {
  const { schedule, seed = 1, latencyMs = 20 } = options;
  const random = seeded(seed);
  const injected: Injection[] = [];
  const counts = new Map<Operation, number>();
  let n = 0;

  const draw = (operation: Operation, ...paths: readonly BackendPath[]): Fault | undefined => {
    n += 1;
    const nth = (counts.get(operation) ?? 0) + 1;
    counts.set(operation, nth);
    const fault = schedule({ n, nth, operation });
    if (fault === undefined || !faultsOf[operation].includes(fault)) return undefined;
    injected.push({ n, operation, paths, fault });
    return fault;
  };

  const under = <R>(
    fault: Fault | undefined,
    ctx: OpContext,
    next: (ctx: OpContext) => Promise<R>,
    body?: Body,
  ): Promise<R> => meet(fault, latencyMs, ctx, next, body);

  const mistaken = <T extends object>(fault: Fault | undefined, answer: T): T =>
    fault === "wrong-etag" && "etag" in answer
      ? { ...answer, etag: `wrong-${random().toString(36).slice(2)}` }
      : answer;

  const layer: Layer<Backend> = (inner) =>
    overrideBackend(inner, {
      stat: async (ctx, path) => {
        const fault = draw("stat", path);
        return mistaken(fault, await under(fault, ctx, (c) => inner.stat(c, path)));
      },
      read: async (ctx, path, read) => {
        const fault = draw("read", path);
        const next = (c: OpContext) => inner.read(c, path, read);
        if (fault === "reset-after") return brokenRead(await next(ctx), () => fail(reset()));
        if (fault === "hang-after") return brokenRead(await next(ctx), forever);
        if (fault === "short-read") return shortRead(await next(ctx));
        if (fault === "bit-flip") return flippedRead(await next(ctx), random());
        const result = await under(fault, ctx, next);
        const stat: Stat = mistaken(fault, result.stat);
        return stat === result.stat
          ? result
          : { ...result, stat, [Symbol.asyncDispose]: () => result[Symbol.asyncDispose]() };
      },
      list: async (ctx, path, list) => {
        const fault = draw("list", path);
        const page = await under(fault, ctx, (c) => inner.list(c, path, list));
        return { ...page, entries: page.entries.map((entry) => mistaken(fault, entry)) };
      },
      write: async (ctx, path, body, write) => {
        const fault = draw("write", path);
        let sent = body;
        if (fault === "torn-write") sent = tornBody(body);
        if (fault === "bit-flip") sent = flippedBody(body, random());
        const next = (c: OpContext) => inner.write(c, path, sent, write);
        return mistaken(fault, await under(fault, ctx, next, body));
      },
      mkdir: (ctx, path) => under(draw("mkdir", path), ctx, (c) => inner.mkdir(c, path)),
      remove: (ctx, path, remove) =>
        under(draw("remove", path), ctx, (c) => inner.remove(c, path, remove)),
      copy: async (ctx, from, to, copy) => {
        const fault = draw("copy", from, to);
        return mistaken(fault, await under(fault, ctx, (c) => inner.copy(c, from, to, copy)));
      },
      move: (ctx, from, to, move) =>
        under(draw("move", from, to), ctx, (c) => inner.move(c, from, to, move)),
    });

  return { layer, injected, calls: () => n };
};
