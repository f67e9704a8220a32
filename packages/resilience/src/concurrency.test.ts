import { type Backend, parseBackendPath } from "@bulkhead/contract";
import { memory } from "@bulkhead/backend-memory";
import { bytesBody, chunksOf, overrideBackend, plainContext } from "@bulkhead/kit";
import { describe, expect, it } from "vitest";
import { concurrency } from "./index.ts";
import { slots } from "./slots.ts";

const ctx = plainContext();
const path = parseBackendPath;
const tick = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 5));

/** A storage whose `stat` waits to be let through, one by one. */
const gated = (inner: Backend = memory()) => {
  const waiting: (() => void)[] = [];
  const order: string[] = [];
  const backend = overrideBackend(inner, {
    stat: async (c, at) => {
      order.push(at);
      await new Promise<void>((resolve) => waiting.push(resolve));
      return inner.stat(c, path(""));
    },
  });
  return { backend, order, next: () => waiting.shift()?.() };
};

describe("concurrency", () => {
  it("lets so many through at once, the others in turn", async () => {
    const { backend, order, next } = gated();
    const bounded = concurrency({ calls: 2 })(backend);
    const all = Promise.all(["a", "b", "c", "d"].map((name) => bounded.stat(ctx, path(name))));
    await tick();
    expect(order).toEqual(["a", "b"]);
    next();
    await tick();
    expect(order).toEqual(["a", "b", "c"]);
    for (let i = 0; i < 3; i++) {
      next();
      await tick();
    }
    await all;
    expect(order).toEqual(["a", "b", "c", "d"]);
  });

  it("lets who waits go when its request is cancelled, without a call or a place", async () => {
    const { backend, order, next } = gated();
    const bounded = concurrency({ calls: 1 })(backend);
    const first = bounded.stat(ctx, path("a"));
    const controller = new AbortController();
    const second = bounded.stat(plainContext({ signal: controller.signal }), path("b"));
    const third = bounded.stat(ctx, path("c"));
    controller.abort();
    await expect(second).rejects.toMatchObject({ code: "aborted" });
    next();
    await first;
    await tick();
    next();
    await third;
    expect(order).toEqual(["a", "c"]);
  });

  it("holds a reading's place until it is let go of or has ended", async () => {
    const inner = memory();
    await inner.write(ctx, path("f"), bytesBody(new Uint8Array(600_000)));
    await inner.write(ctx, path("small"), bytesBody(new Uint8Array(6)));
    const bounded = concurrency({ calls: 1, readings: 1 })(inner);
    const first = await bounded.read(ctx, path("f"));
    let opened = false;
    const second = bounded.read(ctx, path("f")).then((read) => ((opened = true), read));
    // Other calls go on meanwhile: a reading holds no call's place.
    await bounded.write(ctx, path("g"), bytesBody(new Uint8Array(1)));
    await tick();
    expect(opened).toBe(false);
    await first[Symbol.asyncDispose]();
    await first[Symbol.asyncDispose]();
    const read = await second;
    for await (const chunk of chunksOf(read.content)) expect(chunk.length).toBeGreaterThan(0);
    // Ended, not yet disposed of; buffered ones hold nothing.
    await bounded.read(ctx, path("small"));
    await bounded.read(ctx, path("small"));
    await read[Symbol.asyncDispose]();
    await expect(bounded.read(ctx, path("missing"))).rejects.toMatchObject({ code: "not-found" });
    await (await bounded.read(ctx, path("f")))[Symbol.asyncDispose]();
  });

  it("gives a place on that is refused between its turn and its use", async () => {
    const one = slots(1);
    const give = await one.take(ctx.signal);
    const controller = new AbortController();
    const leaving = one.take(controller.signal);
    const staying = one.take(ctx.signal);
    give();
    controller.abort();
    await expect(leaving).rejects.toMatchObject({ code: "aborted" });
    (await staying)();
    give();
    expect([one.taken(), one.waiting()]).toEqual([0, 0]);
    expect(() => slots(0)).toThrow(RangeError);
  });
});
