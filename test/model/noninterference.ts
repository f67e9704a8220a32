import { createHash } from "node:crypto";
import { transcriptOf } from "bulkhead";
import fc from "fast-check";
import { expect } from "vitest";
import { plans } from "./arbitrary.ts";
import { createCoverage } from "./coverage.ts";
import { client } from "./fronts/client.ts";
import { http } from "./fronts/http.ts";
import { fill, namesFor } from "./names.ts";
import { type Plan, say } from "./plan.ts";
import { newMark, type Run, startRun } from "./run.ts";
import { setupKeys, setupRelations } from "./setup.ts";
import type { Exchange, System } from "./system.ts";

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
  for (const key of [0, 4]) seen.push(...(await looksAround(run, key)).map(say));
  return seen;
};

/** What tells of what there is: totals, names, pages one by one, and what is not there. */
const lookedAt: readonly string[] = [
  "/v1/whoami",
  "/v1/tenants",
  "/v1/tenants/<0>",
  "/v1/tenants/<1>",
  "/v1/tenants/nobody",
  "/v1/tenants/<1>/quota",
  "/v1/tenants/<0>/users",
  "/v1/tenants/<1>/users",
  "/v1/shares",
  "/v1/mounts",
  "/v1/list/?recursive=true&limit=1",
  "/v1/list/workspace?recursive=true",
  "/v1/list/workspace/<1>",
  "/v1/list/workspace/nobody",
  "/v1/stat/workspace/<1>/a/n.txt",
  "/v1/stat/workspace/nobody/a/n.txt",
  "/v1/files/a/n.txt",
];

/** Asks for all that with a key of the beginning. */
const looksAround = async ({ names, ask }: Run, key: number): Promise<readonly Exchange[]> => {
  const all: Exchange[] = [];
  for (const target of lookedAt) all.push(...(await ask(key, fill(names, 0, target))));
  return all;
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
