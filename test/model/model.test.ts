import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { advance, plans } from "./arbitrary.ts";
import { command } from "./command.ts";
import { corners, wanted } from "./corners.ts";
import { createCoverage } from "./coverage.ts";
import { cli } from "./fronts/cli.ts";
import { client } from "./fronts/client.ts";
import { http } from "./fronts/http.ts";
import { namesFor } from "./names.ts";
import { type Plan, say } from "./plan.ts";
import { newMark, startRun, type Tally } from "./run.ts";
import { recordedAll } from "./recorded.ts";
import { seeds } from "./seeds.ts";
import { startSystem, type System } from "./system.ts";

const fronts = [http, client, cli];
const runs = Number(process.env["BULKHEAD_MODEL_RUNS"] ?? 12);

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

  it.each(seeds)("does no more what it did once: $shows", replay);
  it.each(corners)("answers what the model answers to $shows", replay, 60_000);

  it("answers what the model answers", async () => {
    const drawn = plans({ processes: 0 });
    const began = performance.now();
    await fc.assert(
      fc.asyncProperty(
        fc.commands(
          [...drawn, ...drawn, ...drawn, advance].map((plan) => plan.map(command)),
          {
            maxCommands: 100,
            size: "max",
          },
        ),
        async (commands) => {
          const run = await startRun(system, fronts, namesFor(newMark()), tally);
          await fc.asyncModelRun(() => ({ model: run, real: run }), commands);
          await run.finish();
        },
      ),
      { numRuns: runs, verbose: 1 },
    );
    console.info(
      `${tally.coverage.total()} commands in ${Math.round(performance.now() - began)} ms`,
    );
    console.info(tally.coverage.table());
    expect(tally.coverage.total()).toBeGreaterThan(runs);
  }, 600_000);

  it("was tried in every corner: each operation by each front, with each answer that it can get", () => {
    const { coverage } = tally;
    const dead = Object.entries(wanted).flatMap(([operation, outcomes]) => [
      ...outcomes
        .filter((outcome) => coverage.of(operation, undefined, outcome) === 0)
        .map((outcome) => `${operation}: ${outcome}`),
      ...fronts
        .filter(({ name }) => coverage.of(operation, name) === 0)
        .map(({ name }) => `${operation}: by ${name}`),
    ]);
    expect(dead).toEqual([]);
  });

  it("has recorded every refusal, and no other", () => recordedAll(system, tally));
});
