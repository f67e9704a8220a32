import { randomBytes } from "node:crypto";
import { FileError } from "@bulkhead/contract";
import { isDiskFault } from "./disk-fault.ts";
import { identityOf } from "./etag.ts";
import type { Layout } from "./layout.ts";
import type { FileHandlePort, FileStat, FileSystemPort } from "./port.ts";

/** Something in staging, or about to be: `name` is free in staging and trash, `disk` its place in staging. */
export interface Stage {
  readonly name: string;
  readonly disk: string;
}

/** A staged id, taken apart. `identity` is of the file or directory that the effect moves or removes. */
export interface StagedId {
  readonly name: string;
  readonly identity: string;
  /** Directories that the effect makes above its target. */
  readonly parents: number;
}

/** Names what is staged, so that recovery can tell from the disk alone whether the effect happened. */
export const stagedId = (name: string, stat: FileStat, parents: number): string =>
  `${name}.${identityOf(stat)}.${parents}`;

/** Takes a staged id apart. Throws `invalid-request` for what is none of ours. */
export const parseStagedId = (id: string): StagedId => {
  const [, name, identity, parents] =
    /^([0-9a-f]{32})\.([0-9a-z]+\.-?[0-9a-z]+)\.([0-9]{1,2})$/.exec(id) ?? [];
  if (name === undefined || identity === undefined || parents === undefined)
    throw new FileError("invalid-request", "This is not the id of anything that was staged here.");
  return { name, identity, parents: Number(parents) };
};

export interface Staging {
  readonly reserve: () => Stage;
  /** Makes a staged file and gives it to `fill`; whatever fails, nothing of it stays. Answers what was filled in. */
  readonly file: <R>(stage: Stage, fill: (handle: FileHandlePort) => Promise<R>) => Promise<R>;
  /** Runs `body`, discarding the stage if it fails. */
  readonly keep: <R>(stage: Stage, body: () => Promise<R>) => Promise<R>;
  readonly trashName: (name: string) => string;
  /** Deletes what was put in the trash. What does not go now is left for `sweep`: it is invisible already. */
  readonly empty: (name: string) => Promise<void>;
  /** Deletes what lies in staging and trash; with `before`, what did not change after that many milliseconds since the epoch. */
  readonly sweep: (before?: number) => Promise<void>;
}

/** Staging and trash of one storage. */
export const staging = (fs: FileSystemPort, place: Layout): Staging => {
  const discard = async (path: string): Promise<void> => {
    try {
      await fs.rm(path);
    } catch {
      // The failure that brought us here is the one to tell; `sweep` takes what is left.
    }
  };
  const keep: Staging["keep"] = async (stage, body) => {
    try {
      return await body();
    } catch (error) {
      await discard(stage.disk);
      throw error;
    }
  };
  /** By the time that nobody sets: a staged file gets a modification time of its own before it is moved. */
  const isLeft = async (disk: string, before: number | undefined): Promise<boolean> => {
    if (before === undefined) return true;
    try {
      return (await fs.lstat(disk)).ctimeNs <= BigInt(Math.floor(before)) * 1_000_000n;
    } catch (error) {
      if (isDiskFault(error, "ENOENT")) return false;
      throw error;
    }
  };
  const trashName = (name: string): string => `${place.trash}/${name}`;

  return {
    reserve: () => {
      const name = randomBytes(16).toString("hex");
      return { name, disk: `${place.staging}/${name}` };
    },
    file: (stage, fill) =>
      keep(stage, async () => {
        let handle: FileHandlePort;
        try {
          handle = await fs.open(stage.disk, "create");
        } catch (error) {
          if (isDiskFault(error, "ENOENT", "ENOTDIR"))
            throw new FileError(
              "unavailable",
              "The storage's staging area is gone: is its disk mounted?",
            );
          throw error;
        }
        try {
          return await fill(handle);
        } finally {
          await handle.close();
        }
      }),
    keep,
    trashName,
    empty: (name) => discard(trashName(name)),
    sweep: async (before) => {
      for (const directory of [place.staging, place.trash])
        for (const { name } of await fs.readdir(directory))
          if (name !== undefined && (await isLeft(`${directory}/${name}`, before)))
            await fs.rm(`${directory}/${name}`);
    },
  };
};
