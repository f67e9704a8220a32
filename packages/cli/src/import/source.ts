import type { Place } from "../place.ts";

/** A file or an empty directory of a tree that is to be imported. */
export interface SourceEntry {
  /** The names from the tree's top on. */
  readonly below: readonly string[];
  readonly kind: "file" | "empty";
  readonly size: number;
  /** Changes whenever the content does; empty for a directory. */
  readonly stamp: string;
}

/** What cannot be imported, and why. */
export interface Unfit {
  /** As its owner knows it. */
  readonly spelled: string;
  readonly why: string;
}

/** The content of a file, and what tells whether the file is still the same. */
export interface SourceContent {
  readonly size: number;
  readonly data: AsyncIterable<Uint8Array>;
  readonly stamp: string;
  readonly contentType?: string | undefined;
  readonly metadata?: Readonly<Record<string, string>> | undefined;
}

/** A tree that is imported from. Nothing of it changes but by `remove`. */
export interface ImportSource {
  /** Names the tree, the same each time. */
  readonly name: string;
  /** True if that place lies in the tree. */
  readonly holds: (place: Place) => boolean;
  /** Everything below, in an order that stays; what cannot be imported is told and left out. */
  readonly entries: (unfit: (what: Unfit) => void) => AsyncIterable<SourceEntry>;
  readonly spelled: (below: readonly string[]) => string;
  /** Opens a file for `use`, which reads all of it. Rejects where it changes meanwhile. */
  readonly open: <T>(
    below: readonly string[],
    use: (content: SourceContent) => Promise<T>,
  ) => Promise<T>;
  /** Removes a file that still has that stamp. False where it has another one, or is gone. */
  readonly remove: (below: readonly string[], stamp: string) => Promise<boolean>;
  /** Removes the directories that are empty by now, but not the top. */
  readonly tidy: () => Promise<void>;
  readonly close: () => Promise<void>;
}
