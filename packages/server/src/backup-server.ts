import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import { backup, type Manifest, restore } from "@bulkhead/engine";
import type { Config } from "./config-schema.ts";
import { loadConfig } from "./load-config.ts";
import { type GivenKeys, keyFiles, readMasterKeys } from "./master-key.ts";
import { placementsOf } from "./placements-of.ts";
import { version } from "./version.ts";

/** Which server is meant: the same as for `serve`. */
export interface ServerPlace {
  readonly config?: string | undefined;
  readonly dataDir?: string | undefined;
  readonly databaseUrl?: string | undefined;
  /** For `${VAR}` in the file. Default: the process's. */
  readonly env?: Readonly<Record<string, string | undefined>> | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface BackupServerOptions extends ServerPlace {
  readonly to: string;
  /** How long the ledger's one snapshot may be held. */
  readonly snapshotSeconds?: number | undefined;
  readonly includeMasterKey?: boolean | undefined;
  readonly withoutTenantDatabases?: boolean | undefined;
}

export interface RestoreServerOptions extends ServerPlace, GivenKeys {
  readonly from: string;
}

const configOf = ({ config, dataDir, databaseUrl, env }: ServerPlace): Promise<Config> =>
  loadConfig(config, { dataDir, databaseUrl }, env ?? process.env);

/** Backs up the server that these options name, running or stopped. */
export const backupServer = async (options: BackupServerOptions): Promise<Manifest> => {
  const config = await configOf(options);
  const { snapshotSeconds } = options;
  return backup({
    databaseUrl: config.databaseUrl,
    dataDir: config.dataDir,
    placements: await placementsOf(config),
    mounts: config.mounts,
    backends: config.backends,
    to: resolve(options.to),
    release: version,
    snapshotMs: snapshotSeconds === undefined ? undefined : snapshotSeconds * 1000,
    masterKeyFile: options.includeMasterKey === true ? keyFileIn(config.dataDir) : undefined,
    withoutTenantDatabases: options.withoutTenantDatabases,
    signal: options.signal,
  });
};

/** Restores a backup to where a server with these options will look for it. */
export const restoreServer = async (
  options: RestoreServerOptions,
): Promise<{
  readonly manifest: Manifest;
  /** True if no master key is in place yet. */ readonly needsMasterKey: boolean;
}> => {
  const config = await configOf(options);
  const keys = keysAtHand(config.dataDir, options);
  const manifest = await restore({
    databaseUrl: config.databaseUrl,
    dataDir: config.dataDir,
    placements: await placementsOf(config),
    mounts: config.mounts,
    backends: config.backends,
    from: resolve(options.from),
    masterKeyFingerprints: keys,
    signal: options.signal,
  });
  return { manifest, needsMasterKey: keys === undefined && manifest.masterKey === undefined };
};

const keyFileIn = (dataDir: string): string => {
  const file = join(dataDir, keyFiles.current);
  if (!existsSync(file))
    throw new Error(`${file} is not there: a key from BULKHEAD_MASTER_KEY is yours to keep.`);
  if (existsSync(join(dataDir, keyFiles.next)))
    throw new Error(
      "The master key is being replaced: end that first with 'bulkhead key rotate-master'.",
    );
  return file;
};

const keysAtHand = (dataDir: string, given: GivenKeys): readonly string[] | undefined => {
  try {
    const { current, others } = readMasterKeys(dataDir, given);
    return [current, ...others].map(({ fingerprint }) => fingerprint);
  } catch (error) {
    if (given.masterKey !== undefined) throw error;
    return undefined;
  }
};
