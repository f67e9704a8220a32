import { randomBytes } from "node:crypto";
import { lstat, mkdir, realpath, rename, rm } from "node:fs/promises";
import { basename, dirname, join, relative, resolve, sep } from "node:path";
import { dumpLedger, type LedgerLook, lookAtLedger } from "@bulkhead/ledger";
import { copyContent } from "./backup-content.ts";
import { copyFileSynced, syncFolder, syncFoldersBelow } from "./backup-file.ts";
import { type Hold, holdCollector } from "./backup-hold.ts";
import { listingWriter } from "./backup-listing.ts";
import { backupLayout, type Manifest, writeManifest } from "./backup-manifest.ts";
import { type Places, placesOf, type PlacesOptions } from "./backup-places.ts";
import { closers } from "./closers.ts";
import { collectGraceMs } from "./open-versioned.ts";
import { reachDatabase } from "./reach-database.ts";
import { refuseUnfinished } from "./unfinished.ts";

export interface BackupOptions extends PlacesOptions {
  readonly databaseUrl: string | undefined;
  /** The folder to make; nothing may be there. */
  readonly to: string;
  readonly release: string;
  /** How long the ledger's one snapshot may be held; 60,000 by default. */
  readonly snapshotMs?: number | undefined;
  /** The file of the master key, if the key is to be in the backup. */
  readonly masterKeyFile?: string | undefined;
  /** True if tenants' own databases are backed up by other means; otherwise a ledger that has any is refused. */
  readonly withoutTenantDatabases?: boolean | undefined;
  readonly signal?: AbortSignal | undefined;
}

const defaultSnapshotMs = 60_000;

/**
 * Backs a server up, running or stopped: the ledger as of one moment, then the content. The folder appears whole, or not
 * at all. Everything that was acknowledged before this was called is in it. Rejects with an `Error` that says what to do.
 */
export const backup = async (options: BackupOptions): Promise<Manifest> => {
  await refuseUnfinished(options.dataDir);
  const to = resolve(options.to);
  if (await exists(to)) throw new Error(`${to} is there already: a backup is never written over.`);
  await mkdir(dirname(to), { recursive: true });
  const parent = await realpath(dirname(to));
  const partial = join(parent, `.${basename(to)}.partial-${randomBytes(6).toString("hex")}`);
  const opened = closers(() => undefined);
  try {
    const url = await reachDatabase(options, opened);
    await mkdir(join(partial, backupLayout.content), { recursive: true, mode: 0o700 });
    await mkdir(join(partial, backupLayout.ledger), { mode: 0o700 });
    const look = lookAtLedger(url);
    opened.add(() => look.close());
    const signal = options.signal ?? new AbortController().signal;
    const hold = await holdCollector(look.leases, signal);
    opened.add(() => hold.release());
    const manifest = await write(options, { url, partial, look, hold, signal });
    await writeManifest(partial, manifest);
    // Files are synced when they are written; here the folders are that name them.
    await syncFoldersBelow(partial);
    if (await exists(to))
      throw new Error(`${to} came to be meanwhile: a backup is never written over.`);
    await rename(partial, join(parent, basename(to)));
    await syncFolder(parent);
    return manifest;
  } catch (error) {
    await rm(partial, { recursive: true, force: true });
    throw error;
  } finally {
    await opened.close();
  }
};

interface Writing {
  readonly url: string;
  readonly partial: string;
  readonly look: LedgerLook;
  readonly hold: Hold;
  readonly signal: AbortSignal;
}

const write = async (
  options: BackupOptions,
  { url, partial, look, hold, signal }: Writing,
): Promise<Manifest> => {
  const began = performance.now();
  const tables = join(partial, backupLayout.ledger);
  const snapshotMs = options.snapshotMs ?? defaultSnapshotMs;
  const ledger = await dumpLedger({ url, folder: tables, snapshotMs, signal });
  const where = await placesOf(tables, ledger, options);
  refuseUnasked(options, where);
  await refuseInside(partial, where);

  const listing = await listingWriter(join(partial, backupLayout.listing));
  try {
    const { counts, damaged } = await copyContent({
      places: where.places,
      dump: ledger,
      tables,
      to: join(partial, backupLayout.content),
      listing,
      signal,
    });
    hold.check();
    if (performance.now() - began >= collectGraceMs)
      throw new Error(
        "The backup took longer than the collector leaves content alone: use a faster disk.",
      );
    for (const uid of await look.deleted())
      if (!where.deleted.has(uid))
        throw new Error("A tenant was deleted while its content was being copied; begin again.");
    const { masterKeyFile } = options;
    return {
      format: 1,
      release: options.release,
      takenAt: new Date(ledger.takenAt).toISOString(),
      finishedAt: new Date().toISOString(),
      ledger,
      content: {
        sha256: await listing.end(),
        places: where.places.map(({ mount, kind, path }, i) => ({
          mount,
          kind,
          path,
          ...(counts[i] ?? { files: 0, bytes: 0 }),
        })),
      },
      omitted: where.omitted,
      damaged,
      ...(masterKeyFile !== undefined && {
        masterKey: (
          await copyFileSynced(masterKeyFile, join(partial, backupLayout.masterKey), signal)
        ).sha256,
      }),
    };
  } finally {
    await listing.close();
  }
};

const refuseUnasked = ({ withoutTenantDatabases }: BackupOptions, { omitted }: Places): void => {
  const own = omitted.filter(({ why }) => why === "own-database").map(({ path }) => path);
  if (own.length > 0 && withoutTenantDatabases !== true)
    throw new Error(
      `The files of ${own.slice(0, 5).join(", ")}${own.length > 5 ? ` and ${own.length - 5} more` : ""} are in databases of their own, which are not in this backup: back those up with their server's means, and say so with --without-tenant-databases.`,
    );
};

const refuseInside = async (partial: string, { places }: Places): Promise<void> => {
  for (const { folder } of places) {
    const real = await realpath(folder).catch(() => folder);
    const below = relative(real, partial);
    if (below !== ".." && !below.split(sep).includes(".."))
      throw new Error(`The backup would lie in ${folder}, which is part of what is backed up.`);
  }
};

const exists = (path: string): Promise<boolean> =>
  lstat(path).then(
    () => true,
    () => false,
  );
