import { seeded } from "./seeded.ts";
import {
  type Finding,
  type Trials,
  type Verified,
  type VerifyOptions,
  withTrials,
} from "./trials.ts";

const writers = 16;
/** How often the limit would fit into all that is tried. */
const times = 3;
const writesEach = 6;
const limit = 256 * 1024;

const targetOf = (id: string, path: string): string => `/v1/files/workspace/${id}${path}`;

interface Raced {
  /** By path, what was accepted. */
  readonly live: ReadonlyMap<string, number>;
  readonly refused: number;
  /** The most that was ever told to be used while they wrote. */
  readonly most: number;
}

/** Lets all writers write at once, and looks at the counter meanwhile. */
const race = async (
  { remote, signal }: VerifyOptions,
  trials: Trials,
  id: string,
  seed: string,
): Promise<Raced> => {
  const key = await trials.key(id);
  const live = new Map<string, number>();
  let refused = 0;
  let most = 0;
  const mean = Math.floor((limit * times) / (writers * writesEach));
  const writer = async (number: number): Promise<void> => {
    const draw = seeded(`${seed}.${number}`);
    for (let i = 0; i < writesEach; i++) {
      const path = `/writer-${number}-${draw.below(4)}`;
      const size = 1 + draw.below(2 * mean);
      const { status } = await trials.ask(key, {
        method: "PUT",
        target: targetOf(id, path),
        body: draw.bytes(size),
      });
      if (status === 200 || status === 201) live.set(path, size);
      else if (status === 507) refused += 1;
      else throw new Error(`A write was answered ${status}.`);
    }
  };
  const all = Promise.all(Array.from({ length: writers }, (_, i) => writer(i)));
  let over = false;
  const watch = async (): Promise<void> => {
    while (!over) {
      const { bytes } = await remote.quota.get(id, { signal });
      most = Math.max(most, bytes?.used ?? 0);
    }
  };
  const watching = watch();
  try {
    await all;
  } finally {
    over = true;
    await watching;
  }
  return { live, refused, most };
};

/** Checks one race; answers what must not be. */
const judged = async (
  options: VerifyOptions,
  trials: Trials,
  id: string,
  { live, refused, most }: Raced,
): Promise<readonly string[]> => {
  const { remote, signal } = options;
  const wrong: string[] = [];
  const stored = [...live.values()].reduce((sum, size) => sum + size, 0);
  const used = (await remote.quota.get(id, { signal })).bytes?.used ?? 0;
  if (Math.max(stored, used, most) > limit)
    wrong.push(`more than the limit of ${limit} bytes: ${Math.max(stored, used, most)}`);
  if (used !== stored) wrong.push(`${used} bytes are counted, and ${stored} were accepted`);
  if (refused === 0) wrong.push("nothing was refused, though far more was written than fits");
  const { drift, storages } = await remote.quota.audit(id, { signal });
  if (drift.bytes !== 0 || drift.files !== 0 || drift.versionBytes !== 0)
    wrong.push(`the counters drift: ${JSON.stringify(drift)}`);
  for (const { path, differences } of storages)
    if (differences.length > 0)
      wrong.push(`${differences.length} files of ${path} are charged wrong`);
  // As large as before it fits, whatever is left.
  const [first] = live;
  if (first === undefined) return [...wrong, "nothing was accepted"];
  const { status } = await trials.ask(await trials.key(id), {
    method: "PUT",
    target: targetOf(id, first[0]),
    body: Buffer.alloc(first[1], 1),
  });
  if (status !== 200) wrong.push(`a file that is replaced by one as large was answered ${status}`);
  return wrong;
};

/** Races writers against a limit: what is stored never exceeds it, and the counters say what is there. */
export const verifyQuota = (options: VerifyOptions): Promise<Verified> => {
  const { runs, seed, note, remote } = options;
  return withTrials(options, async (trials) => {
    const findings: Finding[] = [];
    let accepted = 0;
    let refused = 0;
    for (let run = 1; run <= runs; run++) {
      const own = `${seed}.${run}`;
      const id = trials.id(`q${run}`);
      await trials.make(id);
      await remote.quota.set(id, { bytes: limit }, { signal: options.signal });
      const raced = await race(options, trials, id, own);
      accepted += raced.live.size;
      refused += raced.refused;
      for (const what of await judged(options, trials, id, raced))
        findings.push({ run, seed: own, what });
      await trials.remove(id);
      note(`run ${run} of ${runs}: ${raced.refused} of ${writers * writesEach} writes refused`);
    }
    return { property: "quota", seed, runs, counts: { accepted, refused, limit }, findings };
  });
};
