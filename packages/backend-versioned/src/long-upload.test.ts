import { memory } from "@bulkhead/backend-memory";
import { plainContext, streamBody } from "@bulkhead/kit";
import { afterAll, expect, test, vi } from "vitest";
import { collect } from "./collect.ts";
import { collectedWhole } from "./test/intact.ts";
import { at, bytesAt, pattern, put, request, testLedger, testTenant } from "./test/opened.ts";
import { versioned } from "./versioned.ts";

const ledger = await testLedger();
afterAll(() => ledger[Symbol.asyncDispose]());

const hour = 3_600_000;
const hours = 26;
const step = 2;

/** Moves the clock of the ledger, and only of this one. */
const moveClock = (byHours: number): Promise<unknown> =>
  ledger.sql(
    `create or replace function bulkhead.now() returns timestamptz language sql volatile as
       $$ select date_trunc('milliseconds', clock_timestamp() + interval '${byHours} hours') $$`,
  );

test("An upload of more than 25 hours is left alone by every collection, one that nobody renews is not", async () => {
  vi.useFakeTimers({ toFake: ["setTimeout"] });
  try {
    const [tenant, content] = [await testTenant(ledger.ledger), memory()];
    const { trees } = ledger.ledger;
    const renewals: Promise<void>[] = [];
    const backend = versioned({
      tree: tenant.tree,
      content,
      ledger: {
        ...trees,
        renewBlobs: (...args) => {
          const renewal = trees.renewBlobs(...args);
          renewals.push(renewal);
          return renewal;
        },
      },
    });
    await put(backend, "live", pattern(20_000, 100));
    const store = { store: tenant.tree.content, content, ledger: ledger.ledger.trees };
    const blobs = (): Promise<readonly Readonly<Record<string, unknown>>[]> =>
      ledger.sql(
        "select refs::int, lease > bulkhead.now() as leased from bulkhead.blob where tree = $1 order by refs",
        [tenant.tree.id],
      );
    let tick = Promise.withResolvers<void>();
    async function* hourly(): AsyncGenerator<Uint8Array> {
      for (let h = 0; h <= hours; h += step) {
        yield pattern(17_000, h + 1);
        if (h < hours) await tick.promise;
      }
    }
    const writing = backend.write(request(), at("slow"), streamBody(hourly()));
    await vi.waitFor(async () => expect(await blobs()).toHaveLength(2));
    for (let h = step; h <= hours; h += step) {
      await moveClock(h);
      // As every 20 seconds of these hours. While it is under way the clock stands, or its own timeouts would be over.
      const were = renewals.length;
      while (renewals.length === were) await vi.advanceTimersByTimeAsync(500);
      await renewals.at(-1);
      expect(await blobs()).toMatchObject([{ leased: true }, {}]);
      const collected = await collect(plainContext({ now: Date.now() + h * hour }), store, {
        graceMs: 0,
        maxShare: 1,
      });
      expect(collected).toEqual({ buried: 0, removed: 0, unknown: 0 });
      const next = tick;
      tick = Promise.withResolvers<void>();
      next.resolve();
      if (h < hours) await new Promise(setImmediate);
    }
    expect(await writing).toMatchObject({ size: 17_000 * (hours / step + 1) });
    const whole = await bytesAt(backend, "slow");
    const pieces = Array.from({ length: hours / step + 1 }, (_, i) =>
      pattern(17_000, i * step + 1),
    );
    expect(Buffer.compare(whole, Buffer.concat(pieces))).toBe(0);

    const left = await ledger.ledger.trees.openBlob(tenant.tree, "left", "overwrite", undefined);
    expect(left.state).toBe("done");
    await moveClock(hours + 1);
    const later = plainContext({ now: Date.now() + (hours + 1) * hour });
    const taken = await collect(later, store, { graceMs: 0 });
    expect(taken).toMatchObject({ buried: 1 });
    await collectedWhole(ledger, tenant, content);
    expect(await blobs()).toMatchObject([{ refs: 1 }, { refs: 1 }]);
  } finally {
    vi.useRealTimers();
  }
});
