import fc from "fast-check";
import { advance, plans } from "./arbitrary.ts";
import { cli, cliProcess } from "./fronts/cli.ts";
import { client } from "./fronts/client.ts";
import { http } from "./fronts/http.ts";
import { namesFor } from "./names.ts";
import { type Plan, say } from "./plan.ts";
import { newMark, startRun, type Tally } from "./run.ts";
import type { System } from "./system.ts";

/** A sequence that a failure prints as it is read. */
const traced = (drawn: fc.Arbitrary<readonly Plan[]>) =>
  drawn.map((trace) => ({ trace, [fc.toStringMethod]: () => trace.map(say).join("\n") }));

/** Sequences with a restart in the middle, and a process of the command line before and after it. */
export const restarted = async (
  system: System,
  tally: Tally,
  options: { readonly seed: number; readonly numRuns: number },
): Promise<void> => {
  const drawn = fc.oneof(...plans({ processes: 0 }), advance);
  const some = fc.array(drawn, { minLength: 1, maxLength: 20 });
  const process = fc
    .oneof(...plans({ processes: 0 }))
    .filter((plan) => "by" in plan && cliProcess.speaks(plan.operation))
    .map((plan): Plan => ("by" in plan ? { ...plan, front: "process" } : plan));
  const trace = fc
    .tuple(some, some, process, process)
    .map(([before, after, first, second]): readonly Plan[] => [
      ...before,
      first,
      { event: "restart" },
      second,
      ...after,
    ]);
  await fc.assert(
    fc.asyncProperty(traced(trace), async (sequence) => {
      const fronts = [http, client, cli, cliProcess];
      const run = await startRun(system, fronts, namesFor(newMark()), tally);
      for (const plan of sequence.trace) await run.perform(plan);
      await run.finish();
    }),
    options,
  );
};
