import fc from "fast-check";
import { type Plan, say } from "./plan.ts";
import type { Run } from "./run.ts";

/** A plan as a command of fast-check. */
export const command = (plan: Plan): fc.AsyncCommand<Run, Run> => ({
  check: () => true,
  run: async (_, run) => {
    await run.perform(plan);
  },
  toString: () => say(plan),
});
