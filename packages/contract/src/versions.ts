import type { OpContext } from "./context.ts";
import type { AnyPath, BackendPath } from "./path.ts";
import type { WriteResult } from "./store.ts";

/** What was stored at a path, or that it was removed. */
export interface VersionEntry {
  /** Opaque; names the content for `read` and `restore`. */
  readonly version: string;
  readonly kind: "write" | "remove";
  /** In bytes; 0 for a removal. */
  readonly size: number;
  /** Milliseconds since the epoch. */
  readonly modifiedAt: number;
  /** None for a removal. */
  readonly etag?: string;
  readonly contentType?: string;
  /** True for the content that is read without naming a version. */
  readonly current: boolean;
}

export interface VersionQuery {
  /** 1 to 1,000, by default 1,000. */
  readonly limit?: number | undefined;
  /** Exclusive: the `next` of an earlier page. */
  readonly after?: string | undefined;
}

export interface VersionPage {
  readonly entries: readonly VersionEntry[];
  readonly next?: string;
}

/** The past of files, where a storage declares `versions`. A file that was removed keeps it. */
export interface Versions<P extends AnyPath = BackendPath, C extends OpContext = OpContext> {
  /** Newest first. Rejects with `not-found` where there is no file and never was one, `is-directory` for a directory. */
  readonly versions: (ctx: C, path: P, query?: VersionQuery) => Promise<VersionPage>;
  /**
   * Makes an earlier content the newest one, as a write does; brings a removed file back, with missing parents. Rejects
   * with `not-found` for a version that is not one of this path's contents.
   */
  readonly restore: (ctx: C, path: P, version: string) => Promise<WriteResult>;
}
