import { appendFile, mkdir, readdir, readFile, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { tempDir, type TempDir } from "@bulkhead/harness";
import type { JournalSum, Usage } from "@bulkhead/ledger";
import { afterEach, beforeEach, expect, test } from "vitest";
import { headBytes, makeJournal } from "./journal-file.ts";
import { decodeRecord, encodeRecord, type JournalRecord } from "./journal-record.ts";
import { thisProcess } from "./process-holder.ts";
import { type RunningMeter, startMetering } from "./start-metering.ts";

const tenant = "5f0c6a58-0b9e-4d2e-9a53-6a1f0e6f2b11";
const hour = 3_600_000;
const by = { tenant, keyId: "0123456789abcdef", now: 10 * hour + 5 };
const record = (more: Partial<JournalRecord> = {}): JournalRecord => ({
  kind: "read",
  tenant,
  keyId: by.keyId,
  at: by.now,
  bytes: 7,
  ...more,
});

/** A ledger that counts as the real one does: a stretch only from where it counted to. */
const counting = () => {
  const at = new Map<string, number>();
  const counted = { reads: 0, lookups: 0, searches: 0, bytesOut: 0 };
  const usage: Pick<Usage, "ledger" | "absorb" | "absorbed" | "forget" | "sweep" | "tidy"> & {
    away: boolean;
  } = {
    away: false,
    ledger: "this-ledger",
    absorb: async (id, from, to, sums) => {
      if (usage.away) throw new Error("away");
      const known = at.get(id) ?? from;
      if (known !== from) return known;
      at.set(id, to);
      for (const sum of sums)
        for (const name of ["reads", "lookups", "searches", "bytesOut"] as const)
          counted[name] += sum[name];
      told.push(...sums);
      return to;
    },
    absorbed: async (id) => at.get(id) ?? 0,
    forget: async (id) => void at.delete(id),
    sweep: async () => 0,
    tidy: async () => undefined,
  };
  const told: JournalSum[] = [];
  return { usage, counted, told, at };
};

let dir: TempDir;
let open: RunningMeter[] = [];
const events: string[] = [];
const start = async (
  { usage }: ReturnType<typeof counting>,
  journalBytes?: number,
): Promise<RunningMeter> => {
  const log = (event: string): void => void events.push(event);
  const meter = await startMetering({ usage, dataDir: dir.path, log, journalBytes, everyMs: 1e6 });
  open.push(meter);
  return meter;
};
const folder = (): string => join(dir.path, "journals");
/** A journal of a process that is gone. */
const left = async (records: readonly JournalRecord[], ledger = "this-ledger"): Promise<string> => {
  await mkdir(folder(), { recursive: true });
  const id = crypto.randomUUID();
  const path = join(folder(), `${id}.journal`);
  const holder = { ...(await thisProcess()), pid: 2 ** 22 + 1, startTime: "gone" };
  const file = makeJournal(path, { ledger, holder });
  for (const one of records) file.append(one);
  file.close();
  return path;
};
beforeEach(async () => {
  dir = await tempDir();
  open = [];
  events.length = 0;
});
afterEach(async () => {
  for (const meter of open) await meter.close().catch(() => undefined);
  await dir.remove();
});

test("A record says what it said, in its place alone", () => {
  for (const one of [
    record(),
    record({ kind: "search", tenant: undefined, bytes: 0, keyId: "" }),
  ]) {
    const bytes = encodeRecord(one, 3);
    expect(bytes).toHaveLength(64);
    expect(decodeRecord(bytes, 3)).toEqual(one);
    expect(decodeRecord(bytes, 4)).toBeUndefined();
    for (let i = 0; i < 64; i++) {
      const changed = Buffer.from(bytes);
      changed[i] = (changed[i] ?? 0) ^ 0x10;
      expect(decodeRecord(changed, 3)).toBeUndefined();
    }
  }
});

test("Reads count with their first bytes, bytes as they go, and everything once", async () => {
  const ledger = counting();
  const { meter, flush } = await start(ledger);
  const long = meter.reading(by);
  long.sent(0);
  for (let i = 0; i < 40; i++) long.sent(100_000);
  await flush();
  // A MiB is told when it is there; the rest at the end.
  expect(ledger.counted).toMatchObject({ reads: 1, bytesOut: 3_300_000 });
  long.end();
  meter.reading(by).end();
  meter.reading({ ...by, now: 11 * hour }).sent(5);
  meter.count(by, "lookup");
  meter.count(by, "search");
  await flush();
  await flush();
  expect(ledger.counted).toEqual({ reads: 2, lookups: 1, searches: 1, bytesOut: 4_000_005 });
  expect(new Set(ledger.told.map((sum) => sum.hour))).toEqual(new Set([10 * hour, 11 * hour]));
});

test("A ledger that is away misses nothing, and a journal is bounded and taken away once it is counted", async () => {
  const ledger = counting();
  const { meter, flush, close } = await start(ledger, headBytes + 64 * 10);
  ledger.usage.away = true;
  for (let i = 0; i < 25; i++) meter.count(by, "search");
  await expect(flush()).rejects.toThrow("away");
  expect(await readdir(folder())).toHaveLength(3);
  ledger.usage.away = false;
  await flush();
  expect(ledger.counted.searches).toBe(25);
  expect(await readdir(folder())).toHaveLength(1);
  await close();
  expect(await readdir(folder())).toEqual([]);
  expect(ledger.at.size).toBe(0);
});

test("What a process left is brought in once, from where it was counted to, up to what is whole", async () => {
  const ledger = counting();
  const path = await left([record(), record(), record({ kind: "bytes", bytes: 100 })]);
  const id = path.slice(-".journal".length - 36, -".journal".length);
  // Its owner had brought in the first one.
  ledger.at.set(id, headBytes + 64);
  await left([record(), record()], "another-ledger");
  const torn = await left([record(), record()]);
  await truncate(torn, headBytes + 64 + 30);
  const damaged = await left([record(), record(), record()]);
  const bytes = await readFile(damaged);
  bytes[headBytes + 64 + 40] = 0;
  await writeFile(damaged, bytes);
  await appendFile(join(folder(), "no.journal"), "");
  await start(ledger);
  expect(ledger.counted).toMatchObject({ reads: 1 + 1 + 1, bytesOut: 7 + 100 + 7 + 7 });
  expect(events).toEqual(["journal-damaged"]);
  // Another ledger's stays for its own server, and what has no head yet for who is making it.
  expect(await readdir(folder())).toHaveLength(2);
  await start(ledger);
  expect(ledger.counted.reads).toBe(3);
});

test("A journal of a process that lives is its own to bring in", async () => {
  const ledger = counting();
  const first = await start(ledger);
  first.meter.count(by, "search");
  await start(ledger);
  expect(ledger.counted.searches).toBe(0);
  await first.close();
  expect(ledger.counted.searches).toBe(1);
});

test("What cannot be counted is not sent", async () => {
  const ledger = counting();
  const { meter } = await start(ledger);
  await writeFile(folder(), "no folder");
  expect(() => meter.reading(by).sent(1)).toThrow(expect.objectContaining({ code: "unavailable" }));
  expect(events).toEqual(["journal-failed"]);
});
