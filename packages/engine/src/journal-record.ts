import { crc32 } from "node:zlib";

/** What a journal's record counts. */
export type JournalKind = "read" | "bytes" | "lookup" | "search";

/** One record of a journal. */
export interface JournalRecord {
  readonly kind: JournalKind;
  /** A tenant's uid; undefined is the platform. */
  readonly tenant: string | undefined;
  readonly keyId: string;
  /** Milliseconds since the epoch, by the ledger's clock. */
  readonly at: number;
  /** Bytes that are sent; 0 where nothing is. */
  readonly bytes: number;
}

/** How long a record is. */
export const recordBytes = 64;

const kinds: readonly JournalKind[] = ["read", "bytes", "lookup", "search"];
const mark = 0x42;
const noTenant = "0".repeat(32);

/**
 * Spells a record in 64 bytes: a mark and the kind, the CRC-32 of what follows it, time, tenant, bytes, key, and the
 * record's number in its journal, so that one in another's place is none.
 */
export const encodeRecord = (record: JournalRecord, number: number): Buffer => {
  const bytes = Buffer.alloc(recordBytes);
  bytes[0] = mark;
  bytes[1] = kinds.indexOf(record.kind);
  bytes.writeDoubleLE(record.at, 8);
  bytes.write(record.tenant?.replaceAll("-", "") ?? noTenant, 16, 16, "hex");
  bytes.writeDoubleLE(record.bytes, 32);
  bytes.write(record.keyId.slice(0, 16), 40, 16, "latin1");
  bytes.writeDoubleLE(number, 56);
  bytes.writeUInt32LE(crc32(bytes.subarray(8), bytes[1]), 4);
  return bytes;
};

/** Reads a record; undefined for what is none, as where a disk lost its end. */
export const decodeRecord = (bytes: Buffer, number: number): JournalRecord | undefined => {
  const kind = kinds[bytes[1] ?? kinds.length];
  if (bytes.length !== recordBytes || bytes[0] !== mark || kind === undefined) return undefined;
  if (bytes.readUInt16LE(2) !== 0) return undefined;
  if (bytes.readUInt32LE(4) !== crc32(bytes.subarray(8), bytes[1])) return undefined;
  if (bytes.readDoubleLE(56) !== number) return undefined;
  const tenant = bytes.toString("hex", 16, 32);
  return {
    kind,
    tenant: tenant === noTenant ? undefined : uuidOf(tenant),
    keyId: bytes.toString("latin1", 40, 56).replace(/\0+$/, ""),
    at: bytes.readDoubleLE(8),
    bytes: bytes.readDoubleLE(32),
  };
};

const uuidOf = (hex: string): string =>
  hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
