import { type Backend, nameOf, type Stat } from "@bulkhead/contract";
import { contentTypeOf } from "@bulkhead/kit";
import { etagOf } from "./etag.ts";
import type { FileStat } from "./port.ts";
import { served } from "./source.ts";
import { checkAborted } from "./transfer.ts";
import type { Volume } from "./volume.ts";

/** When a file or directory was changed, in milliseconds since the epoch. */
export const modifiedAtOf = ({ mtimeNs }: FileStat): number => Number(mtimeNs / 1_000_000n);

/** What is told of a file or directory. There is no `createdAt`: a file that was replaced is a new one to the disk. */
export const statOf = (name: string, stat: FileStat): Stat => {
  const modifiedAt = modifiedAtOf(stat);
  return stat.kind === "file"
    ? {
        name,
        kind: "file",
        size: stat.size,
        modifiedAt,
        etag: etagOf(stat),
        contentType: contentTypeOf(name),
      }
    : { name, kind: "directory", size: 0, modifiedAt };
};

/** `Backend.stat`. */
export const stat =
  (volume: Volume): Backend["stat"] =>
  async (ctx, path) => {
    checkAborted(ctx.signal);
    return statOf(nameOf(path), served(await volume.place.find(path)).stat);
  };
