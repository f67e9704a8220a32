import { isFileError } from "@bulkhead/contract";
import { memory } from "@bulkhead/backend-memory";
import { afterAll, expect, test } from "vitest";
import { intact } from "./test/intact.ts";
import {
  at,
  pattern,
  put,
  request,
  settlementOf,
  testKey,
  testLedger,
  testTenant,
} from "./test/opened.ts";

const ledger = await testLedger();
const other = await ledger.open();
afterAll(() => ledger[Symbol.asyncDispose]());

const allowed = new Set([
  "not-found",
  "already-exists",
  "is-directory",
  "not-directory",
  "not-empty",
  "conflict",
  "invalid-request",
]);

test(
  "Writes, renames and removals of two processes leave a tree that holds together",
  { timeout: 120_000 },
  async () => {
    const tally: Record<string, number> = {};
    for (let round = 0; round < 12; round++) {
      const tenant = await testTenant(ledger.ledger);
      const content = memory();
      const processes = [tenant.open(content), tenant.open(content, other)];
      const calls = Array.from({ length: 48 }, (_, i) => async (): Promise<void> => {
        const b = processes[(i + round) % 2];
        if (b === undefined) throw new Error("Two processes.");
        const [a, c] = [`d${i % 3}`, `d${(i + round) % 4}`];
        const ctx = request();
        const kinds = [
          () => put(b, `${a}/s/f${i % 4}`, "x".repeat(i)),
          () => put(b, `${a}/f`, pattern(17_000 + i)),
          () => b.move(ctx, at(a), at(`${c}x`)),
          () => b.move(ctx, at(`${c}x`), at(`${a}/in`)),
          () => b.remove(ctx, at(a), { recursive: true }),
          () => b.copy(ctx, at(a), at(`${c}/copy${i}`)),
          // A file where others make directories.
          () => put(b, `${a}/s`, "a file"),
          () => b.move(ctx, at(`${a}/f`), at(`${c}/s/f0`), { mode: "overwrite" }),
          () => b.mkdir(ctx, at(a)),
        ];
        const kind = (i * 7 + round) % kinds.length;
        const outcome = await (kinds[kind]?.() ?? Promise.resolve()).then(
          () => "won",
          (error: unknown) => {
            if (!isFileError(error) || !allowed.has(error.code)) throw error;
            return error.code;
          },
        );
        tally[`${kind} ${outcome === "won"}`] = (tally[`${kind} ${outcome === "won"}`] ?? 0) + 1;
      });
      await Promise.all(calls.map((call) => call()));
      await intact(ledger, tenant);
    }
    // Every kind came to something at least once.
    for (let kind = 0; kind < 9; kind++)
      expect(tally[`${kind} true`] ?? 0, `${kind}`).toBeGreaterThan(0);
  },
);

test(
  "A write that races with the renaming of its directory is at the new place or makes the old one anew",
  { timeout: 60_000 },
  async () => {
    const places = { old: 0, renamed: 0 };
    for (let round = 0; round < 40; round++) {
      const tenant = await testTenant(ledger.ledger);
      const [one, two] = [tenant.open(), tenant.open(memory(), other)];
      await put(one, "d/seed", "x");
      await Promise.all([
        put(one, "d/f", "new"),
        (async () => {
          await new Promise((resolve) => setTimeout(resolve, round % 4));
          await two.move(request(), at("d"), at("e"));
        })(),
      ]);
      const there = async (path: string): Promise<boolean> =>
        one.stat(request(), at(path)).then(
          () => true,
          () => false,
        );
      expect(await there("e/seed")).toBe(true);
      const [old, renamed] = [await there("d/f"), await there("e/f")];
      expect([old, renamed].filter(Boolean)).toHaveLength(1);
      places[old ? "old" : "renamed"] += 1;
      await intact(ledger, tenant);
    }
    expect(places.renamed).toBeGreaterThan(0);
  },
);

test(
  "Of 30 revokes racing with writes of another process, none is followed by a commit",
  { timeout: 90_000 },
  async () => {
    const tenant = await testTenant(ledger.ledger);
    const backend = tenant.open(memory(), other);
    let committed = 0;
    let refused = 0;
    for (let round = 0; round < 30; round++) {
      const key = await testKey(ledger.ledger, tenant);
      let sequence = Number.POSITIVE_INFINITY;
      const writers = Array.from({ length: 8 }, async (_, i) => {
        for (let n = 0; n < 4; n++) {
          const settlement = settlementOf(tenant.uid, key.revisions);
          const ctx = {
            ...request({ settlement }),
            // As the fence decides: the key as it is now, on revisions as they are now.
            commit: async () => {
              settlement.revisions = (await other.authority.readmit(key.id)).revisions;
            },
          };
          const size = i === 0 ? 17_000 : 5;
          const outcome = await put(backend, `f${i}`, pattern(size, n + 1), {}, ctx).then(
            (answer) => Number(answer.version),
            (error: unknown) => {
              if (!isFileError(error, "unauthenticated")) throw error;
              return undefined;
            },
          );
          if (outcome === undefined) refused += 1;
          else {
            committed += 1;
            expect(outcome, "a commit after the revoke returned").toBeLessThanOrEqual(sequence);
          }
        }
      });
      const revoking = (async () => {
        await new Promise((resolve) => setTimeout(resolve, round % 10));
        await ledger.ledger.keys.revoke(settlementOf(tenant.uid), key.id);
        // What has committed by now; anything later has a greater number.
        const rows = await ledger.sql("select seq::int from bulkhead.tenant_head where uid = $1", [
          tenant.uid,
        ]);
        sequence = Number(rows[0]?.["seq"]);
      })();
      await Promise.all([...writers, revoking]);
      const last = await ledger.sql("select seq::int from bulkhead.tenant_head where uid = $1", [
        tenant.uid,
      ]);
      expect(Number(last[0]?.["seq"])).toBe(sequence);
    }
    // Both ends of the race were met, or it was none.
    expect(committed).toBeGreaterThan(20);
    expect(refused).toBeGreaterThan(20);
    await intact(ledger, tenant);
  },
);
