import { open, readdir, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import {
  checkEmpty,
  checkLoadable,
  dropLedger,
  loadLedger,
  lockDataDir,
  startEmbedded,
} from "@bulkhead/ledger";
import { isMissing, syncFolder } from "./backup-file.ts";
import { backupLayout, type Manifest, readManifest } from "./backup-manifest.ts";
import { placesOf, type PlacesOptions } from "./backup-places.ts";
import { type Closers, closers } from "./closers.ts";
import { makeFolder } from "./make-folder.ts";
import { checkBackup } from "./restore-check.ts";
import { restoreContent, type Target } from "./restore-content.ts";
import { settleRestored } from "./restore-intents.ts";
import { refuseUnfinished, unfinishedFile } from "./unfinished.ts";

export interface RestoreOptions extends PlacesOptions {
  readonly databaseUrl: string | undefined;
  /** The backup's folder. */
  readonly from: string;
  /** Name the master keys that the restored server will be started with, where they are at hand. */
  readonly masterKeyFingerprints?: readonly string[] | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** What an empty data folder may hold: the key that a backup has not, what a restore that failed left, a disk's own. */
const harmless: readonly string[] = [backupLayout.masterKey, "lock", "lost+found"];

/**
 * Restores a backup into an empty data folder and a database without a ledger; nothing is written before all of the
 * backup has been checked. Every revision gets a new epoch, running jobs are queued again, nobody holds anything. Where
 * it fails, what it wrote is taken away; where it is killed, no server opens that data folder.
 */
export const restore = async (options: RestoreOptions): Promise<Manifest> => {
  const { dataDir, from, signal = new AbortController().signal } = options;
  const manifest = await readManifest(from);
  checkLoadable(manifest.ledger);
  checkKey(options, manifest);
  await checkBackup(from, manifest, signal);
  const targets = await targetsOf(options, manifest);
  await refuseUnfinished(dataDir);
  const before = await refuseFull(dataDir, harmless);
  for (const { folder } of targets) await refuseFull(folder, []);

  await makeFolder(dataDir);
  const opened = closers(() => undefined);
  let loaded: string | undefined;
  try {
    const url = await emptyDatabase(options, opened);
    await writeSecret(join(dataDir, unfinishedFile), `${new Date().toISOString()}\n`);
    await restoreContent(from, targets, signal);
    const folder = join(from, backupLayout.ledger);
    await loadLedger({ url, folder, dump: manifest.ledger, signal });
    loaded = url;
    await settleRestored(url, manifest.ledger, targets);
    if (manifest.masterKey !== undefined) await putMasterKey(from, dataDir);
    await rm(join(dataDir, unfinishedFile));
    await syncFolder(dataDir);
  } catch (error) {
    if (loaded !== undefined) await dropLedger(loaded).catch(() => undefined);
    await opened.close();
    for (const { folder } of targets) await removeBelow(folder, []);
    await removeBelow(dataDir, [...before, "lock"]);
    throw error;
  } finally {
    await opened.close();
  }
  return manifest;
};

const checkKey = ({ masterKeyFingerprints: given }: RestoreOptions, { ledger }: Manifest): void => {
  if (given === undefined || ledger.fingerprint === undefined) return;
  if (!given.includes(ledger.fingerprint))
    throw new Error(
      "The backup was made under another master key than the one given or in the data folder: give that one, or none and put it in place before the server starts.",
    );
};

const targetsOf = async (
  options: RestoreOptions,
  { ledger, content }: Manifest,
): Promise<readonly Target[]> => {
  const { places } = await placesOf(join(options.from, backupLayout.ledger), ledger, options);
  return content.places.map(({ mount, kind, path }) => {
    const place = places.find((one) => one.mount === mount && one.kind === kind);
    if (place === undefined)
      throw new Error(
        `The backup holds content of ${path}, for which the configuration has no ${kind} storage: name the --config of the server that was backed up.`,
      );
    return place;
  });
};

const namesIn = (folder: string): Promise<readonly string[]> =>
  readdir(folder).catch((error: unknown) => {
    if (isMissing(error)) return [];
    throw error;
  });

const refuseFull = async (
  folder: string,
  except: readonly string[],
): Promise<readonly string[]> => {
  const names = await namesIn(folder);
  const other = names.find((name) => !except.includes(name));
  if (other !== undefined)
    throw new Error(`${folder} is not empty (${other}): restore into an empty folder.`);
  return names;
};

const removeBelow = async (folder: string, except: readonly string[]): Promise<void> => {
  for (const name of await namesIn(folder))
    if (!except.includes(name)) await rm(join(folder, name), { recursive: true, force: true });
};

const emptyDatabase = async (
  { databaseUrl, dataDir }: RestoreOptions,
  opened: Closers,
): Promise<string> => {
  if (databaseUrl !== undefined) {
    await checkEmpty(databaseUrl);
    return databaseUrl;
  }
  const lock = await lockDataDir(dataDir);
  opened.add(() => lock.release());
  const postgres = await startEmbedded({ dataDir });
  opened.add(() => postgres.stop());
  return postgres.url;
};

const putMasterKey = async (from: string, dataDir: string): Promise<void> => {
  const text = await readFile(join(from, backupLayout.masterKey), "utf8");
  if ((await namesIn(dataDir)).includes(backupLayout.masterKey)) return;
  await writeSecret(join(dataDir, backupLayout.masterKey), text);
};

const writeSecret = async (file: string, text: string): Promise<void> => {
  const handle = await open(file, "wx", 0o600);
  try {
    await handle.writeFile(text);
    await handle.sync();
  } finally {
    await handle.close();
  }
  await syncFolder(join(file, ".."));
};
