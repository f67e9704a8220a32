import type { Accepted, Context, MoveOptions, VirtualPath } from "@bulkhead/contract";
import type { Remembered } from "./transfer-file.ts";

/** Makes the copy or move of a directory between mounts a job; the checks of the call have passed. */
export type Transfer = (
  ctx: Context,
  operation: "copy" | "move",
  from: VirtualPath,
  to: VirtualPath,
  options: MoveOptions,
) => Promise<Accepted>;

/** Remembers that a file of that ETag is being moved between mounts. */
export type Remember = (
  ctx: Context,
  from: VirtualPath,
  to: VirtualPath,
  etag: string,
) => Promise<Remembered>;

export interface TreeOptions {
  /** Without it, directories are copied and moved between mounts within the call. */
  readonly transfer?: Transfer;
  /** Remembers the move of a file between mounts before it begins; without it a crash may leave both ends. */
  readonly remember?: Remember;
}
