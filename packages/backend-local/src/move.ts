import { type Backend, parent } from "@bulkhead/contract";
import { etagOf } from "./etag.ts";
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
import type { Claim } from "./path-locks.ts";
import type { Volume } from "./volume.ts";

/**
 * `Backend.move`: one rename, at both ends' locks. Never a link first: readers would see both ends. Nothing is replaced
 * that was not judged, since in this process nobody else can put anything there meanwhile.
 */
export const move =
  (volume: Volume): Backend["move"] =>
  async (ctx, from, to, options = {}) => {
    const { fs, place } = volume;
    const { mode = "create", ifMatch } = options;
    checkEnds(from, to, options);
    checkAborted(ctx.signal);
    const seen = served(await place.find(from));
    checkBelow(seen, from, to);
    checkMatch(ifMatch, seen.stat);
    checkTarget(from, to);
    const stage = volume.staging.reserve();
    return holdTarget(volume, ctx, to, [{ path: from, extent: "tree" }], "tree", async (found) => {
      const source = served(await place.find(from));
      checkBelow(source, from, to);
      checkMatch(ifMatch, source.stat);
      const replaced =
        source.state === "file" ? judgeFile(found, mode) : judgeDirectory(found, mode);
      checkNames(volume, to);
      const parents = missingParents(found);
      checkAborted(ctx.signal);
      await ctx.commit({
        id: stagedId(stage.name, source.stat, parents),
        size: 0,
        ...(replaced && { etagBefore: etagOf(replaced) }),
      });
      const left = parent(from) ?? from;
      // No listing is half-way through any directory that this changes.
      const quiet: readonly Claim[] = [
        { path: from, extent: "tree" },
        { path: left, extent: "entry" },
        { path: parent(to) ?? to, extent: "entry" },
      ];
      await land(volume, to, parents, [left], () =>
        volume.turns.hold(quiet, undefined, () =>
          // Two names of one file (rename(2)): the system would do nothing and say it did.
          replaced?.ino === source.stat.ino
            ? fs.unlink(source.disk)
            : fs.rename(source.disk, place.diskName(to)),
        ),
      );
      return replaced ? { replaced: { size: replaced.size } } : {};
    });
  };
