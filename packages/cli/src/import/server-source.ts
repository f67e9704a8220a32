import { BulkheadError } from "@bulkhead/client";
import { isUnder, nameFault, parseRequestPath } from "@bulkhead/contract";
import { type Place, spelled, withoutSlash } from "../place.ts";
import { joined, nameBelow } from "../relative.ts";
import type { ImportSource, SourceEntry } from "./source.ts";

const isGone = (error: unknown): boolean =>
  error instanceof BulkheadError &&
  (error.code === "not-found" || error.code === "precondition-failed");

async function* walk(
  { remote, path }: Place,
  signal: AbortSignal | undefined,
): AsyncGenerator<SourceEntry> {
  // Depth first: a directory is empty if what comes next does not lie in it.
  let directory: readonly string[] | undefined;
  const left = function* (next: readonly string[]): Generator<SourceEntry> {
    if (directory?.some((name, i) => next[i] !== name) === true)
      yield { below: directory, kind: "empty", size: 0, stamp: "" };
    directory = undefined;
  };
  for await (const entry of remote.list(path, { recursive: true, signal })) {
    const below = nameBelow(path, entry.path).split("/");
    for (const name of below) {
      const fault = nameFault(name);
      if (fault !== undefined) throw new Error(`the server listed a name that is none: ${fault}`);
    }
    yield* left(below);
    if (entry.isDirectory()) directory = below;
    else yield { below, kind: "file", size: entry.size, stamp: entry.etag ?? "" };
  }
  yield* left([]);
}

/** Names a place the same each time, whatever alias or key leads there. */
export const placeName = async (
  { remote, path }: Place,
  signal: AbortSignal | undefined,
): Promise<string> => `${remote.url} ${(await remote.whoami({ signal })).home} ${path}`;

/** A tree on a server. */
export const serverSource = async (
  given: Place,
  signal: AbortSignal | undefined,
): Promise<ImportSource> => {
  const place = { ...given, path: withoutSlash(given.path) };
  const { remote, path } = place;
  const at = (below: readonly string[]): string => joined(path, below.join("/"));

  return {
    name: await placeName(place, signal),
    holds: (other) =>
      other.remote.url === remote.url &&
      isUnder(parseRequestPath(path), parseRequestPath(other.path)),
    spelled: (below) => spelled(place, at(below)),
    entries: () => walk(place, signal),
    open: async (below, use) => {
      const { stream, length, etag, contentType, metadata } = await remote.open(at(below), {
        signal,
      });
      if (length === undefined || etag === undefined) {
        await stream.cancel();
        throw new Error("the server does not say how long the file is, or which one");
      }
      return use({ size: length, data: stream, stamp: etag, contentType, metadata });
    },
    remove: async (below, stamp) => {
      try {
        await remote.rm(at(below), { ifMatch: stamp, signal });
        return true;
      } catch (error) {
        if (isGone(error)) return false;
        throw error;
      }
    },
    close: () => Promise.resolve(),
    tidy: async () => {
      const directories: string[] = [];
      for await (const entry of remote.list(path, { recursive: true, signal }))
        if (entry.isDirectory()) directories.push(entry.path);
      for (const directory of directories.reverse())
        try {
          await remote.rm(directory, { signal });
        } catch (error) {
          // What is not empty stays.
          if (!(error instanceof BulkheadError) || error.code !== "not-empty") throw error;
        }
    },
  };
};
