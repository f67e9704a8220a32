import { randomInt } from "node:crypto";
import { writeFile } from "node:fs/promises";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { advance, plans } from "./arbitrary.ts";
import { command } from "./command.ts";
import { corners } from "./corners.ts";
import { createCoverage } from "./coverage.ts";
import { cli } from "./fronts/cli.ts";
import { client } from "./fronts/client.ts";
import { http } from "./fronts/http.ts";
import { namesFor } from "./names.ts";
import { type Plan, say } from "./plan.ts";
import { newMark, startRun, type Tally } from "./run.ts";
import { noninterference } from "./noninterference.ts";
import { restarted } from "./restarted.ts";
import { recordedAll } from "./recorded.ts";
import { seeds } from "./seeds.ts";
import { startSystem, type System } from "./system.ts";
import { unspoken, wanted } from "./wanted.ts";

const fronts = [http, client, cli];
const countOf = (name: string, byDefault: number): number =>
  Number(process.env[`BULKHEAD_MODEL_${name}`] ?? byDefault);
/** Every corner by every front, and every answer from each. */
const whole = process.env["BULKHEAD_MODEL_WHOLE"] === "1";
/** Where the table of what was tried is written, if anywhere. */
const tableFile = process.env["BULKHEAD_MODEL_TABLE"];
const runs = countOf("RUNS", 40);
const pairs = countOf("PAIRS", 12);
const restarts = countOf("RESTARTS", 10);
/** So many sequences run side by side, each with tenants of its own: what one waits for, the others use. */
const lanes = 4;
const seed = Number(process.env["BULKHEAD_TEST_SEED"] ?? randomInt(2 ** 30));

describe("the system", () => {
  let system: System;
  const tally: Tally = { coverage: createCoverage(), denied: new Map(), keys: new Set() };
  beforeAll(async () => {
    system = await startSystem();
  });
  afterAll(() => system[Symbol.asyncDispose]());

  const replay = async ({ trace }: { readonly trace: readonly Plan[] }): Promise<void> => {
    const run = await startRun(system, fronts, namesFor(newMark()), tally);
    for (const [i, plan] of trace.entries())
      await run.perform(plan).catch((error: unknown) => {
        throw new Error(`Command ${i}, ${say(plan)}`, { cause: error });
      });
    await run.finish();
  };

  const writeTable = async (): Promise<void> => {
    if (tableFile !== undefined) await writeFile(tableFile, tally.coverage.table());
  };

  it.concurrent.each(seeds)("does no more what it did once: $shows", replay, 60_000);
  it.concurrent.each(corners(whole, seed))(
    "answers what the model answers to $shows",
    replay,
    whole ? 1_200_000 : 180_000,
  );

  it("answers what the model answers", async () => {
    const drawn = plans({ processes: 0 });
    const began = performance.now();
    let commands = 0;
    const property = fc.asyncProperty(
      fc.commands(
        [...drawn, ...drawn, ...drawn, ...drawn, ...drawn, ...drawn, advance].map((plan) =>
          plan.map(command),
        ),
        {
          maxCommands: 100,
          size: "max",
        },
      ),
      async (sequence) => {
        const run = await startRun(system, fronts, namesFor(newMark()), tally);
        await fc.asyncModelRun(() => ({ model: run, real: run }), sequence);
        await run.finish();
        for (const _ of sequence) commands += 1;
      },
    );
    await Promise.all(
      Array.from({ length: lanes }, (_, lane) =>
        fc.assert(property, {
          seed: seed + lane,
          numRuns: Math.ceil(runs / lanes),
          verbose: 1,
        }),
      ),
    );
    console.info(
      `${runs} sequences, ${commands} commands in ${Math.round(performance.now() - began)} ms (BULKHEAD_TEST_SEED=${seed})`,
    );
    expect(tally.coverage.total()).toBeGreaterThan(runs);
    // Twice, so that a run that is cut off says what it tried.
    await writeTable();
  }, 6_000_000);

  it("answers what the model answers, restarted in between, and by processes of its command line", async () => {
    await restarted(system, tally, { seed, numRuns: restarts });
    expect(tally.coverage.of("restart")).toBeGreaterThanOrEqual(restarts);
    expect(tally.coverage.by("process")).toBeGreaterThanOrEqual(2 * restarts);
  }, 6_000_000);

  it("shows a tenant the same to the byte whether another does something or does not exist", async () => {
    await using alone = await startSystem();
    await noninterference(system, alone, { seed, numRuns: pairs });
  }, 6_000_000);

  it("was tried in every corner: each operation by each front, with each answer that it can get", async () => {
    const { coverage } = tally;
    await writeTable();
    const dead = Object.entries(wanted).flatMap(([operation, outcomes]) => [
      ...outcomes
        .filter((outcome) => coverage.of(operation, undefined, outcome) === 0)
        .map((outcome) => `${operation}: ${outcome}`),
      ...fronts
        .filter(({ name }) => coverage.of(operation, name) === 0)
        .map(({ name }) => `${operation}: by ${name}`),
      ...fronts.flatMap(({ name }) =>
        outcomes
          .filter((outcome) => whole && !unspoken.has(`${operation} ${name} ${outcome}`))
          .filter((outcome) => coverage.of(operation, name, outcome) === 0)
          .map((outcome) => `${operation}: ${outcome} by ${name}`),
      ),
    ]);
    expect(dead).toEqual([]);
  });

  it("has recorded every refusal, and no other", () => recordedAll(system, tally));
});
