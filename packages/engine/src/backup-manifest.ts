import { createHash } from "node:crypto";
import { open, readFile } from "node:fs/promises";
import { join } from "node:path";
import type { LedgerDump } from "@bulkhead/ledger";
import type { Damage, PlaceCount } from "./backup-content.ts";
import type { ContentPlace, Omission } from "./backup-places.ts";

/** What a backup is: everything needed to check it, and to know what it holds not. */
export interface Manifest {
  readonly format: 1;
  /** The release that made it. */
  readonly release: string;
  /** RFC 3339: the moment that the ledger is of. */
  readonly takenAt: string;
  /** RFC 3339: content may be as of any moment between. */
  readonly finishedAt: string;
  readonly ledger: LedgerDump;
  readonly content: {
    /** The SHA-256 of the listing, in hex. */
    readonly sha256: string;
    readonly places: readonly (Pick<ContentPlace, "mount" | "kind" | "path"> & PlaceCount)[];
  };
  /** Parts of the tree whose content is not in it. */
  readonly omitted: readonly Omission[];
  /** Content that was damaged before. */
  readonly damaged: readonly Damage[];
  /** The SHA-256 of the master key's file; undefined where the key is not in it. */
  readonly masterKey?: string | undefined;
}

/** Where the parts of a backup are in its folder. */
export const backupLayout = {
  manifest: "manifest.json",
  digest: "manifest.sha256",
  ledger: "ledger",
  content: "content",
  listing: "content.jsonl",
  masterKey: "master-key",
} as const;

const digest = (text: string): string => createHash("sha256").update(text).digest("hex");

const writeSynced = async (file: string, text: string): Promise<void> => {
  const handle = await open(file, "wx", 0o600);
  try {
    await handle.writeFile(text);
    await handle.sync();
  } finally {
    await handle.close();
  }
};

export const writeManifest = async (folder: string, manifest: Manifest): Promise<void> => {
  const text = `${JSON.stringify(manifest, undefined, 2)}\n`;
  await writeSynced(join(folder, backupLayout.manifest), text);
  await writeSynced(
    join(folder, backupLayout.digest),
    `${digest(text)}  ${backupLayout.manifest}\n`,
  );
};

/** Rejects with an `Error` for what is no whole backup, or one that a newer release made. */
export const readManifest = async (folder: string): Promise<Manifest> => {
  let text: string;
  let expected: string;
  try {
    text = await readFile(join(folder, backupLayout.manifest), "utf8");
    expected = await readFile(join(folder, backupLayout.digest), "utf8");
  } catch (error) {
    throw new Error(`${folder} is no whole backup.`, { cause: error });
  }
  if (expected.split(" ")[0] !== digest(text)) throw changed(backupLayout.manifest);
  const value: unknown = JSON.parse(text);
  if (!isManifest(value))
    throw new Error(`${folder} is a backup of a newer release: restore it with that one.`);
  return value;
};

// Whatever has the digest was written by `writeManifest`; only the format may be a later one.
const isManifest = (value: unknown): value is Manifest =>
  typeof value === "object" && value !== null && "format" in value && value.format === 1;

/** Says that a part of a backup is not what was written. */
export const changed = (file: string): Error =>
  new Error(`${file} of the backup is not what was written: it was damaged or changed.`);
