import type { AnyPath, OpContext, Store } from "@bulkhead/contract";
import { walk } from "./walk.ts";

/** What lies below a path; the directory itself is not counted. */
export interface DiskUsage {
  readonly files: number;
  readonly directories: number;
  readonly bytes: number;
}

/** Counts what a directory holds, or one file. */
export const du = async <P extends AnyPath, C extends OpContext>(
  store: Store<P, C>,
  ctx: C,
  path: P,
): Promise<DiskUsage> => {
  const stat = await store.stat(ctx, path);
  if (stat.kind === "file") return { files: 1, directories: 0, bytes: stat.size };
  let files = 0;
  let directories = 0;
  let bytes = 0;
  for await (const entry of walk(store, ctx, path)) {
    if (entry.kind === "directory") directories += 1;
    else {
      files += 1;
      bytes += entry.size;
    }
  }
  return { files, directories, bytes };
};
