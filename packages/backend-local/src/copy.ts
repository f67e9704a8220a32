import {
  type Backend,
  type BackendPath,
  FileError,
  type Mode,
  type OpContext,
  type Removed,
} from "@bulkhead/contract";
import type { WriteResult } from "@bulkhead/contract";
import type { Claim } from "./path-locks.ts";
import type { FileStat } from "./port.ts";
import { checkBelow, checkEnds, checkTarget, served } from "./source.ts";
import { stagedId } from "./staging.ts";
import {
  checkMatch,
  checkNames,
  holdTarget,
  judgeDirectory,
  judgeFile,
  land,
  missingParents,
} from "./target.ts";
import { checkAborted } from "./transfer.ts";
import { copyContent, copyTree } from "./tree.ts";
import type { Volume } from "./volume.ts";
import { publish } from "./write.ts";

const changed = (): FileError =>
  new FileError("conflict", "The source changed while it was copied; try again.");

/** `Backend.copy`: the copy is made and synced in staging, then put in place as a write or a directory is. */
export const copy =
  (volume: Volume): Backend["copy"] =>
  async (ctx, from, to, options = {}) => {
    const { mode = "create", ifMatch } = options;
    checkEnds(from, to, options);
    checkAborted(ctx.signal);
    const source = served(await volume.place.find(from));
    checkBelow(source, from, to);
    checkMatch(ifMatch, source.stat);
    checkTarget(from, to);
    const target = await volume.place.find(to);
    if (source.state === "file") judgeFile(target, mode);
    else judgeDirectory(target, mode);
    checkNames(volume, to);
    return source.state === "file"
      ? copyFile(volume, ctx, from, to, source.disk, mode, ifMatch)
      : copyDirectory(volume, ctx, from, to, source.disk, source.stat, mode);
  };

const shared = (path: BackendPath): readonly Claim[] => [{ path, extent: "entry", shared: true }];

const copyFile = (
  volume: Volume,
  ctx: OpContext,
  from: BackendPath,
  to: BackendPath,
  disk: string,
  mode: Mode,
  ifMatch: string | undefined,
): Promise<WriteResult> => {
  const stage = volume.staging.reserve();
  return volume.staging.keep(stage, async () => {
    await copyContent(volume, disk, stage.disk);
    const staged = await volume.fs.lstat(stage.disk);
    const recheck = async (): Promise<void> => {
      // The condition holds of what was copied, and still.
      if (ifMatch !== undefined) checkMatch(ifMatch, served(await volume.place.find(from)).stat);
    };
    return publish(volume, ctx, stage, staged, to, mode, shared(from), { recheck });
  });
};

const copyDirectory = (
  volume: Volume,
  ctx: OpContext,
  from: BackendPath,
  to: BackendPath,
  disk: string,
  source: FileStat,
  mode: Mode,
): Promise<Removed> => {
  const stage = volume.staging.reserve();
  return volume.staging.keep(stage, async () => {
    const copied = await copyTree(volume, disk, stage.disk, ctx.signal);
    const staged = await volume.fs.lstat(stage.disk);
    return holdTarget(volume, ctx, to, shared(from), "tree", async (found) => {
      const now = served(await volume.place.find(from)).stat;
      if (now.ino !== source.ino || now.birthtimeNs !== source.birthtimeNs) throw changed();
      judgeDirectory(found, mode);
      const parents = missingParents(found);
      checkAborted(ctx.signal);
      await ctx.commit({
        id: stagedId(stage.name, staged, parents),
        size: copied.bytes,
        adds: copied,
      });
      await land(volume, to, parents, [], () =>
        volume.fs.rename(stage.disk, volume.place.diskName(to)),
      );
      return copied;
    });
  });
};
