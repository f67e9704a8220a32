import { BulkheadError } from "@bulkhead/client";
import { createHash } from "node:crypto";
import { isThere } from "../import/import-file.ts";
import { patiently } from "../import/patiently.ts";
import type { ImportSource } from "../import/source.ts";
import { type Place } from "../place.ts";
import { joined } from "../relative.ts";
import { digestOf } from "./digest-of.ts";
import type { Direction } from "./direction.ts";
import { isPartName } from "./part-file.ts";

interface Ends {
  readonly source: ImportSource;
  readonly target: ImportSource;
  readonly place: Place;
}

/** From a folder of this machine to a server. */
export const upwards = (
  { source, target, place: { remote, path } }: Ends,
  signal: AbortSignal | undefined,
): Direction => {
  const at = (below: readonly string[]): string => joined(path, below.join("/"));
  return {
    action: "upload",
    source,
    target,
    isOurs: (below) => isPartName(below.at(-1)),
    transfer: ({ below }, before, seen) => {
      const condition = before === undefined ? { flag: "wx" as const } : { ifMatch: before };
      return patiently(signal, () =>
        source.open(below, async ({ size, data, stamp }) => {
          const hash = createHash("sha256");
          async function* hashed(): AsyncGenerator<Uint8Array> {
            for await (const chunk of data) {
              hash.update(chunk);
              seen(chunk.length);
              yield chunk;
            }
          }
          try {
            const { etag } = await remote.writeFile(at(below), hashed(), {
              size,
              signal,
              ...condition,
            });
            return { source: stamp, target: etag ?? "" };
          } catch (error) {
            if (!isThere(error)) throw error;
            // An answer that was lost on the way leaves our own content there.
            const there = await digestOf(target, below);
            const own = await digestOf(source, below);
            if (there.digest !== own.digest) throw error;
            return { source: own.stamp, target: there.stamp };
          }
        }),
      );
    },
    makeDirectory: (below) => remote.mkdir(at(below), { recursive: true, signal }),
    removeDirectory: async (below) => {
      try {
        await remote.rm(at(below), { signal });
      } catch (error) {
        if (
          !(error instanceof BulkheadError) ||
          (error.code !== "not-empty" && error.code !== "not-found")
        )
          throw error;
      }
    },
  };
};
