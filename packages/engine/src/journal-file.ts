import { closeSync, openSync, rmSync, writeSync } from "node:fs";
import { open, readFile, stat } from "node:fs/promises";
import type { JournalSum, LeaseHolder } from "@bulkhead/ledger";
import { decodeRecord, encodeRecord, type JournalRecord, recordBytes } from "./journal-record.ts";

/** Whose a journal is. */
export interface JournalOwner {
  readonly ledger: string;
  readonly holder: LeaseHolder;
}

/** Records begin behind it. */
export const headBytes = 1024;

/** A journal that this process writes. */
export interface JournalFile {
  /** Where its next record goes. */
  readonly size: () => number;
  /** Appends one record, with one call of the system. Throws where it cannot: then the file takes no further record. */
  readonly append: (record: JournalRecord) => void;
  readonly close: () => void;
}

/** Makes a journal. What is written survives the end of the process; it is not synced. */
export const makeJournal = (file: string, owner: JournalOwner): JournalFile => {
  const head = Buffer.alloc(headBytes, " ");
  const written = head.write(JSON.stringify(owner));
  if (written >= headBytes) throw new Error("The name of this machine is too long for a journal.");
  const fd = openSync(file, "ax", 0o600);
  try {
    if (writeSync(fd, head) !== headBytes) throw new Error("The disk took part of a head.");
  } catch (error) {
    closeSync(fd);
    rmSync(file);
    throw error;
  }
  let size = headBytes;
  let torn = false;
  return {
    size: () => size,
    append: (record) => {
      if (torn) throw new Error("The journal ends in a part of a record.");
      const bytes = encodeRecord(record, (size - headBytes) / recordBytes);
      torn = true;
      if (writeSync(fd, bytes) !== recordBytes) throw new Error("The disk took part of a record.");
      torn = false;
      size += recordBytes;
    },
    close: () => closeSync(fd),
  };
};

/** Reads whose a journal is; undefined for a file that is none, or whose head was never written. */
export const readOwner = async (file: string): Promise<JournalOwner | undefined> => {
  const text = (await readFile(file, "latin1")).slice(0, headBytes);
  try {
    const owner: unknown = JSON.parse(Buffer.from(text, "latin1").toString("utf8"));
    return isOwner(owner) ? owner : undefined;
  } catch {
    return undefined;
  }
};

const isOwner = (value: unknown): value is JournalOwner =>
  typeof value === "object" &&
  value !== null &&
  "ledger" in value &&
  typeof value.ledger === "string" &&
  "holder" in value &&
  typeof value.holder === "object" &&
  value.holder !== null &&
  "pid" in value.holder &&
  typeof value.holder.pid === "number";

/** What a stretch of a journal says, up to `to`; `whole` is false where a record in it is none. */
export interface Stretch {
  readonly to: number;
  readonly sums: readonly JournalSum[];
  readonly whole: boolean;
}

const hourMs = 3_600_000;

/** Sums up the records of a journal from an offset on, at most so many bytes of them. */
export const readStretch = async (file: string, from: number, most: number): Promise<Stretch> => {
  const handle = await open(file, "r");
  let buffer: Buffer;
  try {
    buffer = Buffer.alloc(most - (most % recordBytes));
    const { bytesRead } = await handle.read(buffer, 0, buffer.length, from);
    buffer = buffer.subarray(0, bytesRead - (bytesRead % recordBytes));
  } finally {
    await handle.close();
  }
  const sums = new Map<string, { -readonly [K in keyof JournalSum]: JournalSum[K] }>();
  let to = from;
  for (let at = 0; at < buffer.length; at += recordBytes) {
    const number = (from - headBytes + at) / recordBytes;
    const record = decodeRecord(buffer.subarray(at, at + recordBytes), number);
    if (record === undefined) return { to, sums: [...sums.values()], whole: false };
    const hour = Math.floor(record.at / hourMs) * hourMs;
    const key = `${record.tenant ?? ""} ${hour}`;
    const sum = sums.get(key) ?? {
      tenantUid: record.tenant,
      hour,
      reads: 0,
      lookups: 0,
      searches: 0,
      bytesOut: 0,
    };
    if (record.kind === "read") sum.reads += 1;
    else if (record.kind === "lookup") sum.lookups += 1;
    else if (record.kind === "search") sum.searches += 1;
    sum.bytesOut += record.bytes;
    sums.set(key, sum);
    to += recordBytes;
  }
  return { to, sums: [...sums.values()], whole: true };
};

/** How long the journal of another process is by now. */
export const journalSize = async (file: string): Promise<number> => (await stat(file)).size;
