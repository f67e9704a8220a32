import { seeded } from "./seeded.ts";
import { type Step, traceBy } from "./steps.ts";
import { type Answered, transcriptOf } from "./transcript.ts";
import {
  type Asked,
  type Finding,
  type Trials,
  type Verified,
  type VerifyOptions,
  withTrials,
} from "./trials.ts";

/** Steps of one trace. */
const traceLength = 48;

interface Ids {
  readonly own: string;
  readonly other: string;
}

const filledText = (text: string, ids: Ids): string =>
  // In a target the brackets are encoded.
  text.replaceAll(
    /<(own|other)>|%3C(own|other)%3E/g,
    (_, plain?: keyof Ids, escaped?: keyof Ids) => ids[plain ?? escaped ?? "own"],
  );

const filled = ({ method, target, headers, body }: Asked, ids: Ids): Asked => ({
  method,
  target: filledText(target, ids),
  ...(headers && {
    headers: Object.fromEntries(
      Object.entries(headers).map(([name, value]) => [name, filledText(value, ids)]),
    ),
  }),
  ...(body && {
    body:
      headers?.["Content-Type"] === "application/json"
        ? Buffer.from(filledText(body.toString(), ids))
        : body,
  }),
});

/** What the tenant was answered, step by step, with the other one there or not. */
const transcript = async (
  trials: Trials,
  platform: (asked: Asked) => Promise<Answered>,
  ids: Ids,
  trace: readonly Step[],
  together: boolean,
): Promise<readonly string[]> => {
  await trials.make(ids.own);
  const own = await trials.key(ids.own);
  let other = "";
  if (together) {
    await trials.make(ids.other);
    other = await trials.key(ids.other);
  }
  const say = transcriptOf();
  const seen: string[] = [];
  for (const step of trace) {
    const asked = filled(step, ids);
    if (step.by === "own") seen.push(say(await trials.ask(own, asked)));
    else if (!together) continue;
    else if (step.by === "other") await trials.ask(other, asked);
    else await platform(asked);
  }
  for (const id of together ? [ids.own, ids.other] : [ids.own]) await trials.remove(id);
  return seen;
};

const told = ({ method, target }: Asked): string => `${method} ${target}`;

/**
 * Two-run noninterference: what a tenant is answered is the same to the byte, but for ids, dates and ETags, whether
 * another tenant does something or does not exist. Both runs are of tenants of the same names, made and removed here.
 */
export const verifyIsolation = (
  options: VerifyOptions & { readonly platformKey: string },
): Promise<Verified> => {
  const { runs, seed, note, platformKey } = options;
  return withTrials(options, async (trials) => {
    const ids = { own: trials.id("a"), other: trials.id("b") };
    const platform = (asked: Asked): Promise<Answered> => trials.ask(platformKey, asked);
    const findings: Finding[] = [];
    let answers = 0;
    let refused = 0;
    for (let run = 1; run <= runs; run++) {
      const own = `${seed}.${run}`;
      const trace = traceBy(seeded(own), traceLength);
      const both = await transcript(trials, platform, ids, trace, true);
      const alone = await transcript(trials, platform, ids, trace, false);
      answers += alone.length;
      refused += alone.filter((answer) => answer.startsWith("403")).length;
      const at = both.findIndex((answer, i) => answer !== alone[i]);
      const step = trace.filter(({ by }) => by === "own")[at];
      if (step !== undefined)
        findings.push({
          run,
          seed: own,
          what: `step ${at + 1}, ${told(filled(step, ids))}: beside another tenant it was answered\n${both[at]}\nand alone\n${alone[at]}`,
        });
      note(`run ${run} of ${runs}: ${alone.length} answers compared`);
    }
    return { property: "isolation", seed, runs, counts: { answers, refused }, findings };
  });
};
