import type { ImportSource, SourceEntry } from "../import/source.ts";

/** A file that is the same at both ends, by what tells it apart from later ones. */
export interface Synced {
  readonly source: string;
  readonly target: string;
}

/** One way of two: where from, where to, and how a file gets there. */
export interface Direction {
  readonly action: "upload" | "download";
  readonly source: ImportSource;
  readonly target: ImportSource;
  /**
   * Brings a file over, where the target still is what `before` says: that stamp, or nothing there. Whoever looks sees
   * the whole old or the whole new file. Rejects, with everything left as it is, where something else is there by now.
   */
  readonly transfer: (
    entry: SourceEntry,
    before: string | undefined,
    seen: (bytes: number) => void,
  ) => Promise<Synced>;
  readonly makeDirectory: (below: readonly string[]) => Promise<void>;
  /** Removes a directory of the target if it is empty. */
  readonly removeDirectory: (below: readonly string[]) => Promise<void>;
  /** True for what only a run of ours leaves in a folder: it is no part of any tree. */
  readonly isOurs: (below: readonly string[]) => boolean;
}
