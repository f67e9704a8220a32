import { type Backend, FileError, parseBackendPath } from "@bulkhead/contract";
import { memory } from "@bulkhead/backend-memory";
import { bytesBody, chunksOf, overrideBackend, plainContext, stack, textBody } from "@bulkhead/kit";
import { describe, expect, it } from "vitest";
import { breaker, chaos, perOperation } from "./index.ts";

const ctx = plainContext();
const path = parseBackendPath;

const bench = () => {
  let now = 0;
  let error: FileError | undefined;
  let probe: () => Promise<void> = () => Promise.resolve();
  let slow: FileError | undefined;
  const counts = { stat: 0, probe: 0 };
  const inner = memory();
  const backend: Backend = breaker({ failures: 3, openMs: 4500, clock: () => now })(
    overrideBackend(inner, {
      stat: async (c, at) => {
        counts.stat += 1;
        if (error !== undefined) throw error;
        return inner.stat(c, at);
      },
      write: async (...args) => {
        const result = await inner.write(...args);
        if (slow !== undefined) throw slow;
        return result;
      },
      probe: () => ((counts.probe += 1), probe()),
    }),
  );
  return {
    backend,
    inner,
    counts,
    fails: (next: FileError | undefined) => (error = next),
    slow: (next: FileError) => (slow = next),
    probes: (next: () => Promise<void>) => (probe = next),
    pass: (ms: number) => (now += ms),
    stat: () => backend.stat(ctx, path("")),
    failing: async (times: number) => {
      for (let i = 0; i < times; i++) await backend.stat(ctx, path("")).catch(() => undefined);
    },
  };
};
const down = new FileError("unavailable", "down");

describe("breaker", () => {
  it("opens after failures in a row, refuses without a call, and closes by a probe", async () => {
    const t = bench();
    t.fails(down);
    await t.failing(2);
    t.fails(undefined);
    await t.stat();
    t.fails(down);
    await t.failing(3);
    expect(t.counts.stat).toBe(6);
    t.pass(500);
    await expect(t.stat()).rejects.toMatchObject({
      code: "unavailable",
      retry: "safe",
      fields: { retryAfter: 4 },
    });
    expect(t.counts).toEqual({ stat: 6, probe: 0 });
    t.pass(4000);
    t.fails(undefined);
    expect((await t.stat()).kind).toBe("directory");
    expect(t.counts).toEqual({ stat: 7, probe: 1 });
    t.fails(down);
    await t.failing(2);
    t.fails(undefined);
    await t.stat();
    expect(t.counts.probe).toBe(1);
  });

  it("stays open as long again when the probe fails, and asks one probe at a time", async () => {
    const t = bench();
    t.fails(new FileError("timeout", "late"));
    await t.failing(3);
    t.pass(4500);
    t.probes(() => Promise.reject(down));
    await expect(t.stat()).rejects.toMatchObject({ fields: { retryAfter: 5 } });
    await expect(t.stat()).rejects.toMatchObject({ code: "unavailable" });
    expect(t.counts.probe).toBe(1);
    t.pass(4500);
    const answer = Promise.withResolvers<void>();
    t.probes(() => answer.promise);
    t.fails(undefined);
    const first = t.stat();
    await expect(t.stat()).rejects.toMatchObject({ code: "unavailable" });
    answer.resolve();
    await first;
    expect(t.counts.probe).toBe(2);
  });

  it("counts anew after a probe, and is not kept open by calls that began before", async () => {
    const t = bench();
    t.fails(down);
    await t.failing(3);
    t.pass(4500);
    await expect(t.stat()).rejects.toBe(down);
    await expect(t.stat()).rejects.toBe(down);
    expect(t.counts.probe).toBe(1);

    const slow = t.backend.write(ctx, path("f"), {
      size: undefined,
      replayable: false,
      async *open(): AsyncGenerator<Uint8Array> {
        yield new Uint8Array(1);
        await new Promise((resolve) => setTimeout(resolve, 20));
      },
    });
    await t.failing(1);
    t.pass(4000);
    t.slow(down);
    await expect(slow).rejects.toBe(down);
    t.pass(500);
    t.fails(undefined);
    expect((await t.stat()).kind).toBe("directory");
  });

  it.each([
    new FileError("not-found", "x"),
    new FileError("precondition-failed", "x"),
    new FileError("aborted", "x"),
    new FileError("timeout", "the sender stopped", { retry: "never" }),
  ])("does not count $code with retry $retry", async (error) => {
    const t = bench();
    t.fails(error);
    await t.failing(10);
    expect(t.counts.stat).toBe(10);
  });

  it("does not count the sender's, the ledger's or a cancelled request's failure", async () => {
    const t = bench();
    const body = {
      size: undefined,
      replayable: false,
      async *open(): AsyncGenerator<Uint8Array> {
        yield new Uint8Array(1);
        throw down;
      },
    };
    const refusing = plainContext({ commit: () => Promise.reject(down) });
    for (let i = 0; i < 5; i++) {
      await expect(t.backend.write(ctx, path("f"), body)).rejects.toBe(down);
      await expect(t.backend.write(refusing, path("f"), textBody("x"))).rejects.toBe(down);
      await expect(t.backend.mkdir(refusing, path("d"))).rejects.toBe(down);
    }
    t.fails(down);
    const gone = plainContext({ signal: AbortSignal.abort() });
    for (let i = 0; i < 5; i++) await expect(t.backend.stat(gone, path(""))).rejects.toBe(down);
    t.fails(undefined);
    await t.stat();
  });

  it("counts a reading that breaks off half-way", async () => {
    const inner = memory();
    await inner.write(ctx, path("f"), bytesBody(new Uint8Array(100)));
    const schedule = perOperation({ read: ["reset-after"] });
    const backend = stack(inner, breaker({ failures: 1 }), chaos({ schedule }).layer);
    const read = await backend.read(ctx, path("f"));
    const draining = (async () => {
      for await (const chunk of chunksOf(read.content)) expect(chunk.length).toBe(50);
    })();
    await expect(draining).rejects.toMatchObject({ code: "unavailable" });
    await expect(backend.stat(ctx, path("f"))).rejects.toMatchObject({
      fields: { retryAfter: 5 },
    });
  });

  it("is not opened by what a storage refuses at once, and is by what was tried in vain", async () => {
    const t = bench();
    t.fails(new FileError("unavailable", "The disk is full.", { retry: "exhausted" }));
    await t.failing(5);
    expect(t.counts).toEqual({ stat: 5, probe: 0 });
    t.fails(new FileError("unavailable", "down", { retry: "exhausted", cause: down }));
    await t.failing(5);
    expect(t.counts).toEqual({ stat: 8, probe: 0 });
  });
});
