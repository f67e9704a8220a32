import { createHash } from "node:crypto";
import { open } from "node:fs/promises";
import { linesOf } from "@bulkhead/ledger";
import type { CopiedFile } from "./backup-file.ts";

/** One name in a backup's content. */
export interface ContentEntry {
  /** Which of the manifest's places it belongs to. */
  readonly place: number;
  /** Inside the place's folder, with `/` between names; a directory's ends in one. */
  readonly name: string;
  /** Undefined for a directory. */
  readonly file: CopiedFile | undefined;
}

export interface ListingWriter {
  readonly add: (entry: ContentEntry) => void;
  /** Writes what is left; answers the SHA-256 of the whole, in hex. */
  readonly end: () => Promise<string>;
  readonly close: () => Promise<void>;
}

/** Writes what a backup's content is, a line an entry. */
export const listingWriter = async (file: string): Promise<ListingWriter> => {
  const handle = await open(file, "wx", 0o600);
  const hash = createHash("sha256");
  let waiting: string[] = [];
  let writing: Promise<void> = Promise.resolve();
  const flush = (): void => {
    const text = waiting.join("");
    waiting = [];
    hash.update(text);
    writing = writing.then(() => handle.writeFile(text));
    // Whoever ends the listing is told.
    writing.catch(() => undefined);
  };
  return {
    add: ({ place, name, file: copied }) => {
      const line = copied && [copied.size, copied.sha256, copied.modifiedAt, copied.mode];
      waiting.push(`${JSON.stringify([place, name, ...(line ?? [])])}\n`);
      if (waiting.length >= 1000) flush();
    },
    end: async () => {
      flush();
      await writing;
      await handle.sync();
      return hash.digest("hex");
    },
    close: () => handle.close(),
  };
};

/** Reads what `listingWriter` wrote. Throws for a line that it would not have written, or that leaves its place. */
export async function* readListing(file: string): AsyncGenerator<ContentEntry> {
  for await (const line of linesOf(file)) {
    const value: unknown = JSON.parse(line);
    if (!Array.isArray(value)) throw damaged(line);
    const [place, name, size, sha256, modifiedAt, mode]: readonly unknown[] = value;
    if (typeof place !== "number" || typeof name !== "string" || !staysInside(name))
      throw damaged(line);
    if (name.endsWith("/")) {
      yield { place, name, file: undefined };
      continue;
    }
    if (
      typeof size !== "number" ||
      typeof sha256 !== "string" ||
      typeof modifiedAt !== "number" ||
      typeof mode !== "number"
    )
      throw damaged(line);
    yield { place, name, file: { size, sha256, modifiedAt, mode } };
  }
}

const staysInside = (name: string): boolean =>
  (name.endsWith("/") ? name.slice(0, -1) : name)
    .split("/")
    .every((one) => one !== "" && one !== "." && one !== ".." && !one.includes("\0"));

const damaged = (line: string): Error =>
  new Error(`The backup's listing of content is damaged: ${line.slice(0, 200)}`);
