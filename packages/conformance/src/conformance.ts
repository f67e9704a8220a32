import { bench } from "./bench.ts";
import type { Case, Need } from "./case.ts";
import { ConformanceError } from "./assert.ts";
import { sleep, within } from "./gate.ts";
import type { CaseContext, Opened, Runner, Subject } from "./runner.ts";
import { topics } from "./topics.ts";

const defaultTimeoutMs = 15_000;
const defaultSeed = 20_240_607;

/** Staging may be freed a moment after a refusal was answered. */
const scratchEmpties = async (opened: Opened): Promise<boolean> => {
  for (let attempt = 0; attempt < 20; attempt++) {
    if ((await opened.scratchIsEmpty?.()) !== false) return true;
    await sleep(50);
  }
  return false;
};

const unmet = (
  needs: readonly Need[] | undefined,
  opened: Opened,
  subject: Subject,
): Need | undefined =>
  needs?.find((need) => {
    if (need === "distinctSpellings") return subject.distinctSpellings === false;
    if (need === "commitAsked") return subject.commits === "inside";
    return !opened.backend.capability[need];
  });

const runCase = async (subject: Subject, one: Case, context: CaseContext): Promise<void> => {
  const limit = subject.timeoutMs ?? defaultTimeoutMs;
  const opened = await subject.open();
  let skipped: Need | undefined;
  try {
    skipped = unmet(one.needs, opened, subject);
    if (skipped === undefined) {
      const late = (): Error => new ConformanceError(`did not end within ${limit} ms`);
      await within(limit, one.run(bench(opened.backend, subject.seed ?? defaultSeed)), late);
      if (!(await scratchEmpties(opened)))
        throw new ConformanceError("something staged was left behind");
    }
  } finally {
    await opened.backend.close();
    await opened.close?.();
  }
  if (skipped !== undefined) context.skip?.(`not declared: ${skipped}`);
};

/** Says in the title where a case runs, so that a report of skips explains itself. */
const titleOf = ({ name, needs = [] }: Case): string =>
  needs.length === 0 ? name : `${name} [only where ${needs.join(" and ")} is declared]`;

/**
 * Registers the behaviour suite for one backend. Every case opens a backend of its own; one that needs what the backend
 * does not declare is skipped by name, where the runner knows how.
 */
export const conformance = (runner: Runner, subject: Subject): void => {
  runner.describe(`conformance: ${subject.name}`, () => {
    for (const topic of topics)
      runner.describe(topic.name, () => {
        for (const one of topic.cases)
          runner.it(titleOf(one), (context) => runCase(subject, one, context));
      });
  });
};
