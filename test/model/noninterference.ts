import { createHash } from "node:crypto";
import { transcriptOf } from "bulkhead";
import fc from "fast-check";
import { expect } from "vitest";
import { plans } from "./arbitrary.ts";
import { createCoverage } from "./coverage.ts";
import { client } from "./fronts/client.ts";
import { http } from "./fronts/http.ts";
import { namesFor } from "./names.ts";
import { type Plan, say } from "./plan.ts";
import { newMark, startRun } from "./run.ts";
import { setupKeys, setupRelations } from "./setup.ts";
import type { System } from "./system.ts";

const coverage = createCoverage();

/** Tenant 1, and what the platform does there, is what the second run goes without. Keys 0, 2, 4, 6 and 7 are tenant 0's. */
const ownKeys = [0, 2, 4, 6, 7];
const otherKeys = [1, 3, 5, 8];

const isOfOther = (plan: Plan): boolean =>
  "by" in plan &&
  (otherKeys.includes(plan.by) || (plan.by < 0 && JSON.stringify(plan).includes("<1>")));

/** What tells one tenant of another by its purpose: something given to it, or asked about it. */
const tells = ({ operation }: Extract<Plan, { readonly by: number }>): boolean => {
  const { subject, subjectTenant }: { subject?: unknown; subjectTenant?: unknown } = {
    subject: undefined,
    subjectTenant: undefined,
    ...operation,
  };
  return subject === "tenant:<0>" || subject === "tenant:<1>" || subjectTenant !== undefined;
};

/** What tenant 0's keys got to see. */
const transcript = async (
  system: System,
  mark: string,
  trace: readonly Plan[],
  without: (plan: Plan) => boolean,
): Promise<readonly string[]> => {
  let words = 0;
  const names = namesFor(mark, () =>
    createHash("sha256").update(`${mark} ${++words}`).digest("hex").slice(0, 16),
  );
  const run = await startRun(
    system,
    [http, client],
    names,
    { coverage, denied: new Map(), keys: new Set() },
    { without },
  );
  const seen: string[] = [];
  const say = transcriptOf();
  for (const plan of trace) {
    if (without(plan)) continue;
    const exchanges = await run.perform(plan);
    if ("by" in plan && ownKeys.includes(plan.by)) seen.push(...exchanges.map(say));
  }
  return seen;
};

const plan = fc
  .oneof(...plans({ processes: 0 }))
  // The keys of the beginning alone: which number a later one has depends on who minted before.
  .filter(
    (drawn) =>
      "by" in drawn &&
      drawn.by < setupKeys &&
      !tells(drawn) &&
      !(
        drawn.operation.op === "ungrant" && Number(drawn.operation.name.slice(1)) >= setupRelations
      ) &&
      !(
        drawn.by < 0 &&
        ["copy", "move", "narrow", "revoke", "rotate", "mint", "grant", "check"].includes(
          drawn.operation.op,
        )
      ) &&
      !["mint", "narrow", "revoke", "rotate", "delete"].includes(drawn.operation.op),
  );

/** Two runs of one trace, on `both` as it is, on `alone` without the other tenant: what the one sees is the same to the byte. */
export const noninterference = async (
  both: System,
  alone: System,
  options: { readonly seed: number; readonly numRuns: number },
): Promise<void> => {
  let answers = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(plan, { minLength: 20, maxLength: 40 }), async (trace) => {
      const mark = newMark();
      const [first, second] = await Promise.all([
        transcript(both, mark, trace, () => false),
        transcript(alone, mark, trace, isOfOther),
      ]);
      answers += second.length;
      expect(first, trace.map(say).join("\n")).toEqual(second);
    }),
    options,
  );
  expect(answers).toBeGreaterThan(5 * options.numRuns);
};
