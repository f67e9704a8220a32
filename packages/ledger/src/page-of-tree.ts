import type { Stat } from "@bulkhead/contract";
import type { Statement } from "./database.ts";
import type { TreeLook } from "./types-trees.ts";

/** Reads a page of a directory, in columns. */
export const pageCall: Statement = {
  name: "tree_list_v3",
  text: "select * from bulkhead.tree_list_v3($1, $2, $3, $4, $5)",
};

/** What `tree_list_v3` answers: all but `state` is null where that is there, and where the page is empty. */
export type PageRow = [
  state: "not-found" | "not-directory" | null,
  names: string | null,
  facts: Buffer | null,
  types: string | null,
  metadata: string | null,
];

const bytesEach = 40;
/** From the epoch to where PostgreSQL counts from, in milliseconds. */
const year2000 = 946_684_800_000;

/** Eight bytes as a number; exact up to 2^53. */
const longAt = (facts: Buffer, at: number): number =>
  facts.readInt32BE(at) * 0x1_0000_0000 + facts.readUInt32BE(at + 4);

const millisAt = (facts: Buffer, at: number): number =>
  Math.floor(longAt(facts, at) / 1000) + year2000;

/** The entries of a page, or why there are none. */
export const pageOf = (row: PageRow): TreeLook<{ readonly entries: readonly Stat[] }> => {
  const [code, names, facts, typesText, metadataText] = row;
  if (code !== null) return { state: "refused", code };
  if (names === null || facts === null) return { state: "done", entries: [] };
  const types: readonly (string | null)[] = typesText === null ? [] : JSON.parse(typesText);
  const metadata: Readonly<Record<string, Readonly<Record<string, string>>>> | undefined =
    metadataText === null ? undefined : JSON.parse(metadataText);
  const entries = names.split("\n").map((sortKey, i): Stat => {
    const at = i * bytesEach;
    const size = longAt(facts, at);
    const version = longAt(facts, at + 8);
    const modifiedAt = millisAt(facts, at + 16);
    const createdAt = millisAt(facts, at + 24);
    if (version < 0)
      return { name: sortKey.slice(0, -1), kind: "directory", size, modifiedAt, createdAt };
    const contentType = types[i] ?? undefined;
    const kept =
      metadata !== undefined && Object.hasOwn(metadata, sortKey) ? metadata[sortKey] : undefined;
    return {
      name: sortKey,
      kind: "file",
      size,
      modifiedAt,
      createdAt,
      version: String(version),
      etag: `${version}-${facts.toString("hex", at + 32, at + bytesEach)}`,
      ...(contentType !== undefined && { contentType }),
      ...(kept !== undefined && { metadata: kept }),
    };
  });
  return { state: "done", entries };
};
