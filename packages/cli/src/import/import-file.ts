import { BulkheadError } from "@bulkhead/client";
import { createHash } from "node:crypto";
import type { Place } from "../place.ts";
import type { ImportSource } from "./source.ts";
import type { Imported } from "./import-state.ts";
import { patiently } from "./patiently.ts";

/** Content up to so many bytes is read whole, so that sending it again needs no second look at the source. */
const wholeBytes = 1024 * 1024;

export interface ImportFileOptions {
  readonly source: ImportSource;
  readonly target: Place;
  /** Told of bytes as they are sent. */
  readonly seen: (bytes: number) => void;
  readonly signal: AbortSignal | undefined;
}

/** Something is there that is not what was expected. */
export const isThere = (error: unknown): boolean =>
  error instanceof BulkheadError &&
  (error.code === "precondition-failed" || error.code === "already-exists");

/** What is at the target now: its SHA-256 in hex, and its ETag. */
const lookAt = async (
  { target: { remote }, signal }: ImportFileOptions,
  path: string,
): Promise<{ readonly digest: string; readonly etag: string }> => {
  const { stream, etag = "" } = await remote.open(path, { signal });
  const hash = createHash("sha256");
  for await (const chunk of stream) hash.update(chunk);
  return { digest: hash.digest("hex"), etag };
};

interface Sent {
  readonly stamp: string;
  /** Undefined where the server refused before all of it was read. */
  readonly digest: string | undefined;
  /** What the server said where something is there already. */
  readonly exists: unknown;
}

/** Sends a file to where nothing is. */
const send = (
  { source, target, seen, signal }: ImportFileOptions,
  below: readonly string[],
  path: string,
): Promise<Sent> =>
  source.open(below, async ({ size, stamp, data, contentType, metadata }) => {
    const hash = createHash("sha256");
    let read = 0;
    async function* hashed(): AsyncGenerator<Uint8Array> {
      for await (const chunk of data) {
        hash.update(chunk);
        read += chunk.length;
        seen(chunk.length);
        yield chunk;
      }
    }
    let exists: unknown;
    const write = async (body: Uint8Array | AsyncIterable<Uint8Array>): Promise<void> => {
      try {
        await target.remote.writeFile(path, body, {
          flag: "wx",
          size,
          contentType,
          metadata,
          signal,
        });
      } catch (error) {
        if (!isThere(error)) throw error;
        exists = error;
      }
    };
    if (size <= wholeBytes) {
      const whole = Buffer.concat(await Array.fromAsync(hashed()));
      await patiently(signal, () => write(whole));
    } else await write(hashed());
    return { stamp, exists, digest: read === size ? hash.digest("hex") : undefined };
  });

/** The SHA-256 of a file of the source, in hex, if it still is the one that was sent. */
const digestOf = (
  { source }: ImportFileOptions,
  below: readonly string[],
  stamp: string,
): Promise<string> =>
  source.open(below, async (content) => {
    const hash = createHash("sha256");
    for await (const chunk of content.data) hash.update(chunk);
    if (content.stamp !== stamp)
      throw new Error("the file changed while it was read; run the command again");
    return hash.digest("hex");
  });

/**
 * Copies one file to a place where nothing is, and reads it again there. What is there already, and the same, counts as
 * copied, since an earlier run may have been killed between both; anything else is left as it is. Rejects then with what
 * the server said, or where the target gives something else than it was sent.
 */
export const importFile = async (
  options: ImportFileOptions,
  below: readonly string[],
  path: string,
): Promise<Imported> => {
  const { signal } = options;
  const { stamp, exists, ...sent } = await patiently(signal, () => send(options, below, path));
  const digest = sent.digest ?? (await patiently(signal, () => digestOf(options, below, stamp)));
  const there = await patiently(signal, () => lookAt(options, path));
  if (there.digest !== digest)
    throw (
      exists ??
      new Error("what the server gives back is not what it was sent (its SHA-256 differs)")
    );
  return { path: below.join("/"), stamp, etag: there.etag };
};
