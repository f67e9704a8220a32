import type { Backend, BackendPath, Mode, OpContext, WriteResult } from "@bulkhead/contract";
import { etagOf } from "./etag.ts";
import type { FileStat } from "./port.ts";
import { type Stage, stagedId } from "./staging.ts";
import { checkNames, holdTarget, judgeFile, land, missingParents, putFile } from "./target.ts";
import { checkAborted, pullInto } from "./transfer.ts";
import { confirm, syncContent } from "./durability.ts";
import type { Volume } from "./volume.ts";
import type { Claim } from "./path-locks.ts";

/** Puts a file that is durable in staging where it belongs, once `commit` allows it. Nobody is kept waiting before. */
export const publish = (
  volume: Volume,
  ctx: OpContext,
  stage: Stage,
  staged: FileStat,
  to: BackendPath,
  mode: Mode,
  claims: readonly Claim[] = [],
  recheck: () => Promise<void> = async () => {},
): Promise<WriteResult> =>
  holdTarget(volume, ctx, to, claims, "entry", async (found) => {
    await recheck();
    const replaced = judgeFile(found, mode);
    const parents = missingParents(found);
    checkAborted(ctx.signal);
    await ctx.commit({
      id: stagedId(stage.name, staged, parents),
      size: staged.size,
      ...(replaced && { etagBefore: etagOf(replaced) }),
    });
    const disk = volume.place.diskName(to);
    await land(volume, to, parents, [], () => putFile(volume, stage.disk, disk, mode !== "create"));
    // Renaming changes the change time, and with it the ETag.
    const stored = await confirm(() => volume.fs.lstat(disk));
    return {
      etag: etagOf(stored),
      size: staged.size,
      created: replaced === undefined,
      ...(replaced && { replaced: { size: replaced.size } }),
    };
  });

/** `Backend.write`: stages, syncs, then swaps under the path's lock. */
export const write =
  (volume: Volume): Backend["write"] =>
  async (ctx, path, body, options = {}) => {
    const { mode = "overwrite" } = options;
    checkAborted(ctx.signal);
    // Refused before the body is pulled where it can be; judged again when it counts.
    judgeFile(await volume.place.find(path), mode);
    checkNames(volume, path);
    const stage = volume.staging.reserve();
    const staged = await volume.staging.file(stage, async (handle) => {
      const sync = volume.strict ? handle.datasync : undefined;
      await pullInto(handle, body, ctx.signal, sync);
      await handle.touch(volume.stamp());
      await syncContent(volume, handle);
      return handle.stat();
    });
    return volume.staging.keep(stage, () => publish(volume, ctx, stage, staged, path, mode));
  };
