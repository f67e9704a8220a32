import {
  type Backend,
  type BackendPath,
  type Mode,
  nameOf,
  type OpContext,
  type WriteResult,
} from "@bulkhead/contract";
import { contentTypeOf } from "@bulkhead/kit";
import { etagOf } from "./etag.ts";
import type { Found } from "./layout.ts";
import type { FileStat } from "./port.ts";
import { type Stage, stagedId } from "./staging.ts";
import { modifiedAtOf } from "./stat.ts";
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
  { seen, recheck }: { readonly seen?: Found; readonly recheck?: () => Promise<void> } = {},
): Promise<WriteResult> => {
  const act = async (found: Found): Promise<WriteResult> => {
    await recheck?.();
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
      times: { modifiedAt: modifiedAtOf(stored) },
      contentType: contentTypeOf(nameOf(to)),
    };
  };
  return holdTarget(volume, ctx, to, claims, "entry", act, seen);
};

/** `Backend.write`: stages, syncs, then swaps under the path's lock. */
export const write =
  (volume: Volume): Backend["write"] =>
  async (ctx, path, body, options = {}) => {
    const { mode = "overwrite" } = options;
    checkAborted(ctx.signal);
    // Refused before the body is pulled where it can be; judged again when it counts.
    const seen = await volume.place.find(path);
    judgeFile(seen, mode);
    checkNames(volume, path);
    const stage = volume.staging.reserve();
    const staged = await volume.staging.file(stage, async (handle) => {
      const sync = volume.strict ? handle.datasync : undefined;
      await pullInto(handle, body, ctx.signal, sync);
      await handle.touch(volume.stamp());
      await syncContent(volume, handle);
      return handle.stat();
    });
    return volume.staging.keep(stage, () =>
      publish(volume, ctx, stage, staged, path, mode, [], { seen }),
    );
  };
