import { createHash } from "node:crypto";
import { allowed, beginRecord, type Entry, readRecord, type WriteRecord } from "./record.ts";
import { seeded } from "./seeded.ts";
import {
  type Finding,
  type Trials,
  type Verified,
  type VerifyOptions,
  withTrials,
} from "./trials.ts";

export interface DurabilityOptions extends VerifyOptions {
  readonly platformKey: string;
  /** Where what was acknowledged is written down; then the tenant stays, for `resume`. */
  readonly record?: string | undefined;
  /** A record of an earlier run: it is only read back. */
  readonly resume?: string | undefined;
}

/** Writers at once, and what each of them writes a run. */
const writers = 8;
const writesEach = 6;
const sizes = [0, 1, 4096, 17_000, 300_000, 5_000_000] as const;

const digestOf = (bytes: Buffer): string => createHash("sha256").update(bytes).digest("hex");

const targetOf = (path: string): string => `/v1/files${path}`;

/** Writes with several writers, each to paths of its own. A write that fails is one that was not acknowledged. */
const writeAll = async (
  trials: Trials,
  key: string,
  root: string,
  record: WriteRecord,
  seed: string,
): Promise<void> => {
  const writer = async (number: number): Promise<void> => {
    const draw = seeded(`${seed}.${number}`);
    for (let i = 0; i < writesEach; i++) {
      const path = `${root}/writer-${number}/file-${draw.below(3)}`;
      const body = draw.bytes(draw.one(sizes));
      const digest = digestOf(body);
      await record.add({ path, digest, acknowledged: false });
      const { status } = await trials
        .ask(key, { method: "PUT", target: targetOf(path), body })
        .catch(() => ({ status: 0 }));
      if (status === 200 || status === 201) await record.add({ path, digest, acknowledged: true });
    }
  };
  await Promise.all(Array.from({ length: writers }, (_, i) => writer(i)));
};

/** Reads everything back and says what is lost, or is what nobody wrote. */
const readBack = async (
  trials: Trials,
  key: string,
  entries: readonly Entry[],
  run: number,
  seed: string,
): Promise<readonly Finding[]> => {
  const findings: Finding[] = [];
  for (const [path, may] of allowed(entries)) {
    const { status, body } = await trials.ask(key, { method: "GET", target: targetOf(path) });
    const digest = status === 200 ? digestOf(body) : undefined;
    if ((status === 200 || status === 404) && may.has(digest)) continue;
    findings.push({
      run,
      seed,
      what:
        status === 200
          ? `${path} holds ${body.length} bytes that are neither what was acknowledged last nor what was sent since`
          : `${path} was acknowledged and answers ${status}`,
    });
  }
  return findings;
};

const acknowledgedOf = (entries: readonly Entry[]): number =>
  entries.filter(({ acknowledged }) => acknowledged).length;

const resumed = (options: DurabilityOptions, file: string): Promise<Verified> =>
  withTrials(options, async (trials) => {
    const { tenant, seed, entries } = await readRecord(file);
    const findings = await readBack(trials, options.platformKey, entries, 1, seed);
    // What was found is kept to be looked at.
    if (findings.length === 0) await trials.remove(tenant);
    const counts = { acknowledged: acknowledgedOf(entries), paths: allowed(entries).size };
    return { property: "durability", seed, runs: 1, counts, findings };
  });

/**
 * Writes, remembers what was acknowledged, and reads it back by digest: nothing that was acknowledged is lost, and nothing
 * is there that nobody wrote. With `record` the tenant stays, so that `resume` reads it again after a restart.
 */
export const verifyDurability = (options: DurabilityOptions): Promise<Verified> => {
  const { runs, seed, note, record: file, resume, platformKey } = options;
  if (resume !== undefined) return resumed(options, resume);
  return withTrials(options, async (trials) => {
    const id = trials.id("d");
    await trials.make(id);
    const record = await beginRecord(file, { tenant: id, seed });
    if (file !== undefined) trials.leave(id);
    const findings: Finding[] = [];
    try {
      const key = await trials.key(id);
      for (let run = 1; run <= runs; run++) {
        options.signal?.throwIfAborted();
        await writeAll(trials, key, `/workspace/${id}/run-${run}`, record, `${seed}.${run}`);
        note(`run ${run} of ${runs}: ${acknowledgedOf(record.entries())} writes acknowledged`);
      }
      findings.push(...(await readBack(trials, platformKey, record.entries(), runs, seed)));
    } finally {
      await record.close();
    }
    const entries = record.entries();
    const counts = { acknowledged: acknowledgedOf(entries), paths: allowed(entries).size };
    return { property: "durability", seed, runs, counts, findings };
  });
};
