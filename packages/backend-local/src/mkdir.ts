import type { Backend } from "@bulkhead/contract";
import { FileError } from "@bulkhead/contract";
import { stagedId } from "./staging.ts";
import { checkNames, judgeDirectory, land } from "./target.ts";
import { checkAborted } from "./transfer.ts";
import type { Found } from "./layout.ts";
import type { Volume } from "./volume.ts";

const judge = (found: Found): void => {
  judgeDirectory(found, "create");
  if (found.state === "missing" && found.missing > 1)
    throw new FileError("not-found", "The directory above this path does not exist.");
};

/** `Backend.mkdir`: a directory is made in staging and renamed, so that recovery knows it again. */
export const mkdir =
  (volume: Volume): Backend["mkdir"] =>
  async (ctx, path) => {
    const { fs, place, staging } = volume;
    checkAborted(ctx.signal);
    judge(await place.find(path));
    checkNames(volume, path);
    const stage = staging.reserve();
    await staging.keep(stage, async () => {
      await fs.mkdir(stage.disk, 0o777);
      const staged = await fs.lstat(stage.disk);
      await volume.locks.hold([{ path, extent: "entry" }], ctx.signal, async () => {
        judge(await place.find(path));
        checkAborted(ctx.signal);
        await ctx.commit({ id: stagedId(stage.name, staged, 0), size: 0 });
        await land(volume, path, 0, [], () => fs.rename(stage.disk, place.diskName(path)));
      });
    });
  };
