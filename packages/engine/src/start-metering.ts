import { randomUUID } from "node:crypto";
import { mkdirSync } from "node:fs";
import { open, readdir, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { FileError, reasonOf } from "@bulkhead/contract";
import type { LeaseHolder, Usage } from "@bulkhead/ledger";
import type { Meter } from "@bulkhead/policy";
import {
  headBytes,
  type JournalFile,
  journalSize,
  makeJournal,
  readOwner,
  readStretch,
} from "./journal-file.ts";
import { type JournalRecord, recordBytes } from "./journal-record.ts";
import { isDead, thisProcess } from "./process-holder.ts";

export interface MeteringOptions {
  readonly usage: Pick<Usage, "ledger" | "absorb" | "absorbed" | "forget" | "sweep" | "tidy">;
  readonly dataDir: string;
  readonly log: (event: string, detail: Readonly<Record<string, unknown>>) => void;
  /** How long a journal gets before the next one is begun; 4 MiB by default. */
  readonly journalBytes?: number | undefined;
  /** Between two absorptions; 1,000 ms by default. */
  readonly everyMs?: number | undefined;
}

export interface RunningMeter {
  readonly meter: Meter;
  /** Resolves once all that was counted before the call is in the ledger. */
  readonly flush: () => Promise<void>;
  readonly close: () => Promise<void>;
}

/** Bytes that are sent are told each time so many came together. */
const toldEvery = 1024 * 1024;
const stretchBytes = 256 * 1024;
/** Between two looks for commits of tenants that nobody counted, for journals of processes that ended, and for old hours. */
const sweepMs = 15_000;
const orphansMs = 30_000;
const tidyMs = 3_600_000;
/** A journal of another machine is a dead process's once nothing was written for so long. */
const abandonedMs = 86_400_000;

/** One of this process's journals, and how far it is counted. */
interface Own {
  readonly id: string;
  readonly path: string;
  readonly file: JournalFile;
  absorbed: number;
}

/**
 * Counts reads in a journal of this process, in a folder of the data folder, and brings it into the ledger each second;
 * brings in what processes that are gone have left there as well. Each record counts once, whoever is killed when.
 */
export const startMetering = async (options: MeteringOptions): Promise<RunningMeter> => {
  const { usage, log, journalBytes = 4 * 1024 * 1024, everyMs = 1000 } = options;
  const folder = join(options.dataDir, "journals");
  const owner = { ledger: usage.ledger, holder: await thisProcess() };
  let current: Own | undefined;
  let ended: Own[] = [];

  const next = (): Own => {
    if (current !== undefined) ended.push(current);
    current = undefined;
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    const id = randomUUID();
    const path = join(folder, `${id}.journal`);
    current = { id, path, file: makeJournal(path, owner), absorbed: headBytes };
    return current;
  };
  const append = (record: JournalRecord): void => {
    try {
      const own = current === undefined || current.file.size() >= journalBytes ? next() : current;
      own.file.append(record);
    } catch (error) {
      // What was written of it counts; what comes goes into another one.
      if (current !== undefined) ended.push(current);
      current = undefined;
      log("journal-failed", { error: reasonOf(error) });
      throw new FileError("unavailable", "Usage cannot be counted at the moment; try again.", {
        fields: { retryAfter: 1 },
        cause: error,
      });
    }
  };

  /** Counts a journal from where it is counted to, up to `size`; answers to where it is counted then. */
  const absorb = async (
    id: string,
    path: string,
    from: number,
    size: number,
  ): Promise<{ readonly at: number; readonly whole: boolean }> => {
    let at = from;
    while (size - at >= recordBytes) {
      const { to, sums, whole } = await readStretch(path, at, Math.min(stretchBytes, size - at));
      if (to > at) at = await usage.absorb(id, at, to, sums);
      if (!whole) return { at, whole };
    }
    return { at, whole: true };
  };

  /** Takes a counted journal away: for good before its row goes, or it would be counted anew. */
  const drop = async (id: string, path: string): Promise<void> => {
    await rm(path, { force: true });
    const handle = await open(folder, "r");
    try {
      await handle.sync();
    } finally {
      await handle.close();
    }
    await usage.forget(id);
  };

  const absorbOwn = async (): Promise<void> => {
    // As they are now: one that ends meanwhile is the next turn's.
    const done = [...ended];
    for (const own of [...done, ...(current === undefined ? [] : [current])])
      own.absorbed = (await absorb(own.id, own.path, own.absorbed, own.file.size())).at;
    for (const own of done) {
      own.file.close();
      await drop(own.id, own.path);
      ended = ended.filter((one) => one !== own);
    }
  };

  const absorbOrphans = async (): Promise<void> => {
    const names = await readdir(folder).catch(() => []);
    for (const name of names) {
      const id = name.slice(0, -".journal".length);
      const path = join(folder, name);
      if (!name.endsWith(".journal") || id === current?.id || ended.some((own) => own.id === id))
        continue;
      const found = await readOwner(path).catch(() => undefined);
      if (found === undefined) {
        // Killed before its head was whole: it holds nothing. One that is being made is younger.
        const { mtimeMs } = await stat(path).catch(() => ({ mtimeMs: Date.now() }));
        if (Date.now() - mtimeMs > abandonedMs) await rm(path, { force: true });
        continue;
      }
      if (found.ledger !== usage.ledger || !(await isOrphan(found.holder, path))) continue;
      const size = await journalSize(path).catch(() => 0);
      const from = Math.max(await usage.absorbed(id), headBytes);
      const { whole } = await absorb(id, path, from, size);
      if (!whole) log("journal-damaged", { journal: id });
      await drop(id, path);
    }
  };

  const due = { sweep: 0, orphans: 0, tidy: 0 };
  const pass = async (): Promise<void> => {
    await absorbOwn();
    const now = performance.now();
    if (now >= due.orphans) {
      due.orphans = now + orphansMs;
      await absorbOrphans();
    }
    if (now >= due.sweep) {
      // Whoever asks for usage counts first: this keeps what is to be counted then small.
      due.sweep = (await usage.sweep()) > 0 ? now + everyMs : now + sweepMs;
    }
    if (now >= due.tidy) {
      due.tidy = now + tidyMs;
      await usage.tidy();
    }
  };

  let running: Promise<void> = Promise.resolve();
  const inTurn = (work: () => Promise<void>): Promise<void> => {
    const result = running.then(work);
    running = result.catch(() => undefined);
    return result;
  };
  let waiting = false;
  const timer = setInterval(() => {
    if (waiting) return;
    waiting = true;
    // Without a ledger the journal waits, and with it what it says.
    void inTurn(pass)
      .catch(() => undefined)
      .finally(() => {
        waiting = false;
      });
  }, everyMs).unref();
  await inTurn(absorbOrphans).catch((error: unknown) =>
    log("journals-wait", { error: reasonOf(error) }),
  );

  return {
    meter: meterOf(append),
    flush: () => inTurn(absorbOwn),
    close: async () => {
      clearInterval(timer);
      if (current !== undefined) ended.push(current);
      current = undefined;
      await inTurn(absorbOwn);
    },
  };
};

/** True if nobody writes that journal any more. */
const isOrphan = async (holder: LeaseHolder, path: string): Promise<boolean> => {
  if (await isDead(holder)) return true;
  const here = await thisProcess();
  if (holder.host === here.host && holder.boot === here.boot) return false;
  const { mtimeMs } = await stat(path);
  return Date.now() - mtimeMs > abandonedMs;
};

/** Makes records of what is counted. */
const meterOf = (append: (record: JournalRecord) => void): Meter => ({
  reading: ({ tenant, keyId, now }) => {
    const began = performance.now();
    let counted = false;
    let untold = 0;
    const tell = (): void => {
      const at = now + Math.floor(performance.now() - began);
      append({ kind: counted ? "bytes" : "read", tenant, keyId, at, bytes: untold });
      counted = true;
      untold = 0;
    };
    return {
      sent: (bytes) => {
        untold += bytes;
        if (!counted || untold >= toldEvery) tell();
      },
      end: () => {
        try {
          if (counted && untold > 0) tell();
        } catch {
          // It was sent already; the log says why less is counted.
        }
      },
    };
  },
  count: ({ tenant, keyId, now }, kind) => append({ kind, tenant, keyId, at: now, bytes: 0 }),
});
