import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { advance, plans } from "./arbitrary.ts";
import { command } from "./command.ts";
import { createCoverage } from "./coverage.ts";
import { cli } from "./fronts/cli.ts";
import { client } from "./fronts/client.ts";
import { http } from "./fronts/http.ts";
import { namesFor } from "./names.ts";
import { newMark, startRun, type Tally } from "./run.ts";
import { recordedAll } from "./recorded.ts";
import { seeds } from "./seeds.ts";
import { startSystem, type System } from "./system.ts";

const runs = Number(process.env["BULKHEAD_MODEL_RUNS"] ?? 60);

describe("the system", () => {
  let system: System;
  const tally: Tally = { coverage: createCoverage(), denied: new Map(), keys: new Set() };
  beforeAll(async () => {
    system = await startSystem();
  });
  afterAll(() => system[Symbol.asyncDispose]());

  it.each(seeds)("does no more what it did once: $shows", async ({ trace }) => {
    const run = await startRun(system, [http, client, cli], namesFor(newMark()), tally);
    for (const plan of trace) await run.perform(plan);
    await run.finish();
  });

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
          const run = await startRun(system, [http, client, cli], namesFor(newMark()), tally);
          await fc.asyncModelRun(() => ({ model: run, real: run }), commands);
          await run.finish();
        },
      ),
      { numRuns: runs, verbose: 1 },
    );
    console.log(
      `${tally.coverage.total()} commands in ${Math.round(performance.now() - began)} ms`,
    );
    console.log(tally.coverage.table());
    expect(tally.coverage.total()).toBeGreaterThan(runs);
  }, 600_000);

  it("has recorded every refusal, and no other", () => recordedAll(system, tally));
});
