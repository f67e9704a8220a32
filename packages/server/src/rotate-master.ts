import { link, open, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { openRotation, type Rotation } from "@bulkhead/engine";
import { loadConfig } from "./load-config.ts";
import {
  type GivenKeys,
  keyFiles,
  makeKeyFile,
  type MasterKey,
  readMasterKeys,
  sealKeysOf,
} from "./master-key.ts";

export interface RotateMasterOptions extends GivenKeys {
  readonly config?: string | undefined;
  readonly dataDir?: string | undefined;
  readonly databaseUrl?: string | undefined;
  /** Ends the previous key instead, once every server has been started anew. */
  readonly retire?: boolean | undefined;
  readonly env?: Readonly<Record<string, string | undefined>> | undefined;
  /** Told after each step; nothing more happens once it rejects. */
  readonly onStep?: ((step: RotateStep) => Promise<void>) | undefined;
}

/** What happens, in this order; the last three where the previous key is retired. */
export type RotateStep =
  | "made"
  | "announced"
  | "resealed"
  | "kept"
  | "switched"
  | "promoted"
  | "finished"
  | "swept"
  | "retired"
  | "removed";

export interface RotatedMaster {
  /** Fingerprints; `previous` is undefined once it was retired. */
  readonly current: string;
  readonly previous: string | undefined;
}

/** The keys at hand, and how they change places. */
interface Ring {
  readonly keys: () => readonly MasterKey[];
  readonly makeNext: () => Promise<void>;
  /** Makes the next key the current one; told once the current one is kept as the previous. */
  readonly change: (kept: () => Promise<void>) => Promise<void>;
  readonly dropPrevious: () => Promise<void>;
}

/**
 * Replaces the master key of a ledger, whose servers may run, or goes on where it was interrupted: makes a new one (or
 * takes BULKHEAD_MASTER_KEY_OTHER), seals everything under it, makes it the current one. The previous one stays good until
 * it is retired. Killed at any step, servers open.
 */
export const rotateMaster = async (options: RotateMasterOptions): Promise<RotatedMaster> => {
  const { databaseUrl, dataDir } = await loadConfig(
    options.config,
    { dataDir: options.dataDir, databaseUrl: options.databaseUrl },
    options.env ?? process.env,
  );
  const ring = options.masterKey === undefined ? filesOf(dataDir) : givenIn(options);
  const { current, others } = readMasterKeys(dataDir, options);
  const rotation = await openRotation({
    databaseUrl,
    dataDir,
    masterKeyFingerprint: current.fingerprint,
    otherFingerprints: others.map(({ fingerprint }) => fingerprint),
  });
  const told = options.onStep ?? (() => Promise.resolve());
  try {
    await (options.retire === true ? retire : replace)(rotation, ring, told);
    const { current: now, previous } = await rotation.state();
    return { current: now, previous };
  } finally {
    await rotation.close();
  }
};

type Told = (step: RotateStep) => Promise<void>;

const replace = async (rotation: Rotation, ring: Ring, told: Told): Promise<void> => {
  let state = await rotation.state();
  if (state.previous === undefined) {
    const old = state.current;
    if (state.next === undefined) {
      await ring.makeNext();
      await told("made");
      const next = ring.keys().find(({ fingerprint }) => fingerprint !== old);
      if (next === undefined) throw new Error("There is no other key to go over to.");
      await rotation.announce(old, next.fingerprint);
      await told("announced");
      state = await rotation.state();
    }
    const next = state.next ?? "";
    await sealUnder(rotation, ring, next);
    await told("resealed");
    if (ring.keys()[0]?.fingerprint !== next) await ring.change(() => told("kept"));
    await told("switched");
    await rotation.promote(old, next);
    await told("promoted");
    state = await rotation.state();
  }
  // A server that was running may have sealed something meanwhile.
  await sealUnder(rotation, ring, state.current);
  await told("finished");
};

const retire = async (rotation: Rotation, ring: Ring, told: Told): Promise<void> => {
  const { current, next, previous } = await rotation.state();
  if (next !== undefined)
    throw new Error("The master key is being replaced: end that first, without --retire.");
  await sealUnder(rotation, ring, current);
  await told("swept");
  if (previous !== undefined) await rotation.retire(current, previous);
  await told("retired");
  await ring.dropPrevious();
  await told("removed");
};

const sealUnder = async (rotation: Rotation, ring: Ring, fingerprint: string): Promise<void> => {
  const keys = ring.keys();
  const current = keys.find((key) => key.fingerprint === fingerprint);
  if (current === undefined)
    throw new Error("The key that the ledger goes over to is not at hand; give it as well.");
  const others = keys.filter((key) => key !== current);
  await rotation.reseal(sealKeysOf({ current, others }));
};

const filesOf = (dataDir: string): Ring => {
  const place = (name: string): string => join(dataDir, name);
  return {
    keys: () => {
      const { current, others } = readMasterKeys(dataDir, {});
      return [current, ...others];
    },
    makeNext: () => makeKeyFile(dataDir, keyFiles.next),
    change: async (kept) => {
      // Left by one that was killed here.
      await rm(place(keyFiles.previous), { force: true });
      await link(place(keyFiles.current), place(keyFiles.previous));
      await syncFolder(dataDir);
      await kept();
      await rename(place(keyFiles.next), place(keyFiles.current));
      await syncFolder(dataDir);
    },
    dropPrevious: async () => {
      await rm(place(keyFiles.previous), { force: true });
      await syncFolder(dataDir);
    },
  };
};

const givenIn = (given: GivenKeys): Ring => ({
  keys: () => {
    const { current, others } = readMasterKeys("", given);
    return [current, ...others];
  },
  makeNext: () =>
    given.otherMasterKey === undefined
      ? Promise.reject(
          new Error(
            "The master key comes from BULKHEAD_MASTER_KEY: give every server a new one as BULKHEAD_MASTER_KEY_OTHER, start them anew, then do it here.",
          ),
        )
      : Promise.resolve(),
  // The environment is the operator's to change.
  change: (kept) => kept(),
  dropPrevious: () => Promise.resolve(),
});

const syncFolder = async (folder: string): Promise<void> => {
  const handle = await open(folder, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
};
