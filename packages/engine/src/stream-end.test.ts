import { type Context, parseVirtualPath, type ReadResult } from "@bulkhead/contract";
import { plainContext } from "@bulkhead/kit";
import { streamWatch } from "@bulkhead/policy";
import { describe, expect, it } from "vitest";

const chunk = new Uint8Array(1);

const endless = (): ReadResult => ({
  stat: { name: "x", kind: "file", size: 1, modifiedAt: 0 },
  content: (async function* () {
    for (;;) yield chunk;
  })(),
  [Symbol.asyncDispose]: () => Promise.resolve(),
});

const context = (cut: () => void): Context => ({
  ...plainContext(),
  principal: {
    kind: "identity",
    keyId: "k",
    tenant: undefined,
    subject: { type: "user", id: "alice" },
    scopes: ["read"],
    reach: { home: parseVirtualPath("/"), bounds: [] },
    expiresAt: undefined,
  },
  cut,
});

describe("a stream", () => {
  it("is decided again at the moment at which what allowed it ends, by the ledger's clock", async () => {
    const streams = streamWatch(60_000);
    const asked: number[] = [];
    const began = performance.now();
    const ledger = 1_000_000;
    let cut = (): void => undefined;
    const wasCut = new Promise<void>((resolve) => (cut = resolve));
    const open = (
      until: number,
      again: () => Promise<{ until: number; now: number }>,
    ): ReadResult => streams.watch(context(cut), endless(), { until, now: ledger }, again);
    // One that never ends by itself does not hold back one that does.
    open(Infinity, () => Promise.resolve({ until: Infinity, now: ledger }));
    open(ledger + 60, async () => {
      asked.push(performance.now() - began);
      if (asked.length === 2) throw new Error("refused");
      return { until: ledger + 200, now: ledger + 60 };
    });
    await wasCut;
    expect(asked[0]).toBeGreaterThanOrEqual(55);
    expect(asked[0]).toBeLessThan(1000);
    expect((asked[1] ?? 0) - (asked[0] ?? 0)).toBeGreaterThanOrEqual(135);
    expect(streams.open()).toBe(1);
    streams.close();
  });
});
