import { randomInt } from "node:crypto";
import { testDatabase } from "@bulkhead/harness";
import { migrate } from "@bulkhead/ledger";
import { describe, expect, it } from "vitest";
import { hasCompiler } from "../shim/unsynced-disk.ts";
import { type CrashTally, crashRun } from "./crash-run.ts";
import { kinds } from "./crash-writer.ts";

/** In all; three fifths of them on plain storage. */
const kills = Number(process.env["BULKHEAD_CRASH_KILLS"] ?? 20);
const versioned = Math.round(kills * 0.3);
const embedded = Math.round(kills * 0.3);
const seed = Number(process.env["BULKHEAD_TEST_SEED"] ?? randomInt(1_000_000_000));
const forgetting = Number(process.env["BULKHEAD_POWER_KILLS"] ?? 0);

/** Adds tallies up, prints them, and finds that each kill met enough. */
const summed = (name: string, runs: readonly CrashTally[]): Readonly<Record<string, number>> => {
  const hit: Record<string, number> = {};
  for (const tally of runs)
    for (const [what, n] of Object.entries(tally.hit)) hit[what] = (hit[what] ?? 0) + n;
  const total = (of: "acknowledged" | "inFlight"): number =>
    runs.reduce((sum, tally) => sum + tally[of], 0);
  console.info(
    `${name} (BULKHEAD_TEST_SEED=${seed}): acknowledged ${total("acknowledged")}, in flight ${total("inFlight")}, hit ${JSON.stringify(hit)}`,
  );
  for (const { fewest } of runs) {
    expect(fewest.acknowledged).toBeGreaterThanOrEqual(10);
    expect(fewest.inFlight).toBeGreaterThanOrEqual(1);
  }
  return hit;
};

/** What a commit is made of, as a kill can meet it. */
const steps = ["begun, not committed", "committed, not answered"];

describe("under write load", { timeout: 180_000 + kills * 15_000 }, () => {
  it(`${kills - versioned} SIGKILLs: what was acknowledged is there, nothing is torn`, async () => {
    const database = await testDatabase({ migrate });
    const runs = await Promise.all([
      crashRun({
        seed,
        kills: kills - versioned - embedded,
        databaseUrl: database.url,
        placement: "local",
      }),
      crashRun({
        seed: seed + 1000,
        kills: embedded,
        databaseUrl: undefined,
        placement: "local",
      }),
    ]);
    await database.close();
    const hit = summed("SIGKILLs on plain storage", runs);
    for (const name of [...kinds, "intent open", "intent committing", ...steps])
      expect(hit[name] ?? 0, name).toBeGreaterThan(0);
  });

  it(`${versioned} SIGKILLs on versioned storage: what was acknowledged is there, nothing is torn`, async () => {
    const database = await testDatabase({ migrate });
    const run = await crashRun({
      seed,
      kills: versioned,
      databaseUrl: database.url,
      placement: "versioned",
    });
    await database.close();
    const hit = summed("SIGKILLs on versioned storage", [run]);
    // In few kills, not each of the two is met.
    for (const name of kills < 100 ? [] : steps) expect(hit[name] ?? 0, name).toBeGreaterThan(0);
  });

  it.each(forgetting > 0 && hasCompiler() ? (["local", "versioned"] as const) : [])(
    `${forgetting} times killed as the power fails, on %s storage: what was acknowledged is there`,
    async (placement) => {
      const database = await testDatabase({ migrate });
      const run = { seed, kills: forgetting, databaseUrl: database.url, placement, forgets: true };
      summed(`Power failures on ${placement} storage`, [await crashRun(run)]);
      await database.close();
    },
  );
});
