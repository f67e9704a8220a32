import {
  type BackendPath,
  FileError,
  type Interrupted,
  isRoot,
  type Recovery,
} from "@bulkhead/contract";
import { isDiskFault } from "./disk-fault.ts";
import { directoriesAbove, syncDirectory } from "./durability.ts";
import { identityOf } from "./etag.ts";
import type { Found } from "./layout.ts";
import { emptyRoot } from "./remove.ts";
import { parseStagedId, type StagedId } from "./staging.ts";
import type { Volume } from "./volume.ts";

type Outcome = "done" | "undone";

const isThat = (found: Found, id: StagedId): boolean =>
  (found.state === "file" || found.state === "directory") && identityOf(found.stat) === id.identity;

/** Syncs what is left of the directories above a path, so that the answer stays true. */
const settleAbove = async (volume: Volume, path: BackendPath): Promise<void> => {
  for (const directory of directoriesAbove(path)) {
    volume.listings.forget(directory);
    try {
      await syncDirectory(volume, volume.place.diskName(directory));
    } catch (error) {
      if (!isDiskFault(error, "ENOENT", "ENOTDIR")) throw error;
    }
  }
};

/** Takes away the directories that were made for a target that never came; one that is used stays. */
const dropParents = async (volume: Volume, path: BackendPath, parents: number): Promise<void> => {
  for (const directory of directoriesAbove(path, parents)) {
    if (isRoot(directory)) return;
    try {
      await volume.fs.rmdir(volume.place.diskName(directory));
    } catch (error) {
      if (isDiskFault(error, "ENOTEMPTY", "EEXIST", "ENOTDIR")) return;
      if (!isDiskFault(error, "ENOENT")) throw error;
    }
  }
};

/** write, mkdir, copy: the effect happened if what stands at the target is what was staged. */
const recoverMade = async (volume: Volume, to: BackendPath, id: StagedId): Promise<Outcome> => {
  const found = await volume.place.find(to);
  const done = isThat(found, id);
  // A link may have been made and the staged name not yet taken away.
  await volume.fs.rm(`${volume.place.staging}/${id.name}`);
  if (!done) await dropParents(volume, to, id.parents);
  await settleAbove(volume, to);
  return done ? "done" : "undone";
};

/** move: the effect happened if the source is no longer where it was. */
const recoverMoved = async (
  volume: Volume,
  from: BackendPath,
  to: BackendPath,
  id: StagedId,
): Promise<Outcome> => {
  const source = await volume.place.find(from);
  const target = await volume.place.find(to);
  let done = !isThat(source, id);
  // Both names of one file: the effect was under way, or power loss kept the new entry and not that the old one went.
  if (!done && isThat(target, id) && source.state === "file") {
    await volume.fs.unlink(source.disk);
    done = true;
  }
  if (!done) await dropParents(volume, to, id.parents);
  await settleAbove(volume, to);
  await settleAbove(volume, from);
  return done ? "done" : "undone";
};

/** remove: the effect happened if what was removed is no longer where it was. */
const recoverRemoved = async (
  volume: Volume,
  path: BackendPath,
  id: StagedId,
): Promise<Outcome> => {
  const { fs, place, staging } = volume;
  let done: boolean;
  if (isRoot(path)) {
    const begun = (await fs.readdir(place.trash)).some((entry) => entry.name === id.name);
    if (begun) await emptyRoot(volume, path, id.name);
    done = begun || (await fs.readdir(place.root)).length === 1;
    await syncDirectory(volume, place.root);
  } else {
    done = !isThat(await place.find(path), id);
    await settleAbove(volume, path);
  }
  if (done) await staging.empty(id.name);
  return done ? "done" : "undone";
};

/** Makes the recovery of a volume. The README's table says what each crash leaves and what is answered. */
export const recovery = (volume: Volume): Recovery => ({
  recover: async (ctx, { operation, paths, staged }: Interrupted) => {
    const id = parseStagedId(staged);
    const [first, second] = paths;
    const missing = (): never => {
      throw new FileError("invalid-request", "An interrupted operation names its paths.");
    };
    if (first === undefined) return missing();
    const claims = paths.map((path) => ({ path, extent: "tree" as const }));
    return volume.locks.hold(claims, ctx.signal, async () => {
      switch (operation) {
        case "write":
        case "mkdir":
          return recoverMade(volume, first, id);
        case "copy":
          return second === undefined ? missing() : recoverMade(volume, second, id);
        case "move":
          return second === undefined ? missing() : recoverMoved(volume, first, second, id);
        case "remove":
          return recoverRemoved(volume, first, id);
        case "stat":
        case "read":
        case "list":
          throw new FileError(
            "invalid-request",
            `No ${operation} changes anything, so none can be interrupted.`,
          );
        default:
          return operation satisfies never;
      }
    });
  },
  sweep: (_ctx, before) => volume.staging.sweep(before),
});
