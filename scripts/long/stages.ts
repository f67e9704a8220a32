/** How much a long run does. */
export interface Size {
  readonly seed: number;
  /** Random sequences of the model. */
  readonly sequences: number;
  readonly kills: number;
  /** A thousand for each of the others' full counts; 1,000 is all of it. */
  readonly share: number;
}

/** One part of the long run: test files, with the variables that make them long. */
export interface Stage {
  readonly name: string;
  /** What the report says that it does. */
  readonly does: string;
  readonly files: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** Whether it draws from the seed. */
  readonly seeded: boolean;
}

/** Every part, in the order in which they run. `table` is where the model writes what it tried. */
export const stages = (
  { seed, sequences, kills, share }: Size,
  table: string,
): readonly Stage[] => {
  const count = (full: number, least: number): string =>
    String(Math.max(least, Math.round((full * share) / 1000)));
  const seeded = { BULKHEAD_TEST_SEED: String(seed), BULKHEAD_SEED: String(seed) };
  const pairs = Math.max(12, Math.round(sequences / 20));
  const restarts = Math.max(10, Math.round(sequences / 100));
  const powerKills = Math.max(5, Math.round(kills / 20));
  const aborts = count(1000, 50);
  const [quotaRaces, revokeRaces] = [count(1000, 10), count(3000, 25)];
  const [worlds, explained, cases] = [count(100_000, 300), count(100_000, 400), count(1e6, 400)];
  const files = count(10_000, 500);
  return [
    {
      name: "model",
      does: `${sequences} sequences, ${restarts} restarts, ${2 * restarts} processes of the command line, ${pairs} pairs of runs with and without another tenant`,
      files: ["test/model"],
      seeded: true,
      env: {
        ...seeded,
        BULKHEAD_MODEL_RUNS: String(sequences),
        BULKHEAD_MODEL_RESTARTS: String(restarts),
        BULKHEAD_MODEL_PAIRS: String(pairs),
        BULKHEAD_MODEL_WHOLE: "1",
        BULKHEAD_MODEL_TABLE: table,
      },
    },
    {
      name: "kills",
      does: `${kills} SIGKILLs under write load; ${2 * powerKills} with the power`,
      files: ["test/processes/crash.test.ts"],
      seeded: true,
      env: {
        ...seeded,
        BULKHEAD_CRASH_KILLS: String(kills),
        BULKHEAD_POWER_KILLS: String(powerKills),
      },
    },
    {
      name: "power",
      does: "the disk forgets what was not synced; then without each sync in turn",
      files: ["test/processes/power-loss.test.ts"],
      seeded: false,
      env: { BULKHEAD_POWER_ALL: "1" },
    },
    {
      name: "races",
      does: `${quotaRaces} rounds against limits, ${revokeRaces} against revocations`,
      files: [
        "test/processes/quota-raced.test.ts",
        "test/processes/relations-raced.test.ts",
        "test/processes/relations-revoked.test.ts",
        "packages/ledger/src/relations-race.test.ts",
        "packages/engine/src/charging.test.ts",
        "packages/engine/src/walk-and-statement.test.ts",
      ],
      seeded: false,
      env: {
        BULKHEAD_QUOTA_ROUNDS: count(20, 1),
        BULKHEAD_RACES: revokeRaces,
        BULKHEAD_RACE_ROUNDS: revokeRaces,
        BULKHEAD_CHARGING_ROUNDS: quotaRaces,
        BULKHEAD_WALK_ROUNDS: quotaRaces,
      },
    },
    {
      name: "faults",
      does: `${aborts} requests given up, ${count(100, 2)} kills of a server that counts`,
      files: ["test/processes/storage-faults.test.ts", "test/processes/metered.test.ts"],
      seeded: true,
      env: { ...seeded, BULKHEAD_TEST_ABORTS: aborts, BULKHEAD_METER_KILLS: count(100, 2) },
    },
    {
      name: "properties",
      does: `${worlds} worlds of relations, ${explained} explained requests, ${cases} cases a parser, rates and bills`,
      files: [
        "packages/rebac",
        "packages/contract/src/bill.test.ts",
        "packages/engine/src/rates.test.ts",
        "test/isolation/relations-explained.test.ts",
        "test/fuzz",
      ],
      seeded: true,
      env: {
        ...seeded,
        BULKHEAD_RUNS: worlds,
        BULKHEAD_BILL_RUNS: worlds,
        BULKHEAD_RATE_RUNS: count(10_000, 25),
        BULKHEAD_EXPLAINED: explained,
        BULKHEAD_FUZZ_CASES: cases,
      },
    },
    {
      name: "large",
      does: `${files} files imported; ${count(10_000, 1000)} tenants under row-level security; what is marked long alone`,
      files: [
        "test/tutorials/concept-migration.test.ts",
        "packages/ledger/src/row-level-security-pool.test.ts",
        "packages/engine/src/provision-buckets.test.ts",
      ],
      seeded: false,
      env: {
        BULKHEAD_TEST_IMPORT_FILES: files,
        BULKHEAD_TEST_TENANTS: count(10_000, 1000),
        BULKHEAD_LONG: "1",
      },
    },
  ];
};
