import { readdir } from "node:fs/promises";
import { join } from "node:path";

/** What lies in a local directory. `below` are the names from the directory on. */
export interface LocalEntry {
  readonly file: string;
  readonly below: readonly string[];
  readonly kind: "file" | "empty" | "skipped";
}

/** Yields files and empty directories, in the order of their names; links and devices as `skipped`. */
export async function* localTree(
  directory: string,
  below: readonly string[] = [],
): AsyncGenerator<LocalEntry> {
  const entries = await readdir(directory, { withFileTypes: true });
  if (entries.length === 0) yield { file: directory, below, kind: "empty" };
  entries.sort((a, b) => (a.name < b.name ? -1 : 1));
  for (const entry of entries) {
    const file = join(directory, entry.name);
    const names = [...below, entry.name];
    if (entry.isDirectory()) yield* localTree(file, names);
    else yield { file, below: names, kind: entry.isFile() ? "file" : "skipped" };
  }
}
