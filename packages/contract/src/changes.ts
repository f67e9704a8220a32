import type { Context } from "./context.ts";
import type { RequestPath } from "./path.ts";
import type { PageOf, PageQuery } from "./records.ts";
import type { WriteResult } from "./store.ts";
import type { VersionPage, VersionQuery } from "./versions.ts";

/** One committed change of a file tree, as its readers see it. */
export interface ChangeRecord {
  /** Counts a tenant's commits, upwards, with gaps where a change was not the reader's to see. */
  readonly seq: number;
  readonly kind: "write" | "mkdir" | "remove" | "copy" | "move";
  /** As the caller addresses it; for a copy or move the target. */
  readonly path: string;
  /** The source of a copy or move, where the caller may read it. */
  readonly from?: string;
  readonly at: number;
  readonly version?: string;
  readonly etag?: string;
}

/** `after`: the `next` of an earlier answer, or `latest` for what comes from now on; the oldest that is kept by default. */
export interface ChangesQuery extends PageQuery {
  /** For the platform key, which has to name one. */
  readonly tenant?: string | undefined;
  /** Waits up to so many milliseconds, at most 30,000, for something to answer; 0 by default. */
  readonly waitMs?: number | undefined;
  /** Ends the wait with what there is. */
  readonly enough?: AbortSignal | undefined;
}

/** The past of files and what changed, for callers: guarded like every other operation. */
export interface History {
  /** Newest first. `not-found` where there is no file and never was one the caller may read. */
  readonly versions: (
    ctx: Context,
    path: RequestPath,
    query?: VersionQuery,
  ) => Promise<VersionPage>;
  readonly restore: (ctx: Context, path: RequestPath, version: string) => Promise<WriteResult>;
  /**
   * In commit order; `next` is always there, so that one can come back for more, and an empty page is all there is now.
   * Rejects with `invalid-request` where changes after `after` are not kept any more: nothing is skipped silently.
   */
  readonly changes: (ctx: Context, query: ChangesQuery) => Promise<PageOf<ChangeRecord>>;
}
