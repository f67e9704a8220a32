import {
  type Backend,
  type BackendPath,
  FileError,
  type Layer,
  type ReadResult,
  type ReadOptions,
  type Stat,
} from "@bulkhead/contract";
import { overrideBackend, resolveRange } from "@bulkhead/kit";
import { LRUCache } from "lru-cache";

export interface CacheOptions {
  /** Of all content kept, names and bookkeeping included; 64 MiB by default. */
  readonly maxBytes?: number;
  /** Larger files are not kept; 64 KiB by default. */
  readonly maxFileBytes?: number;
}

interface Kept {
  readonly etag: string;
  readonly bytes: Uint8Array;
}

/** What an entry costs beside its content. */
const overhead = 512;

/** True for a tag that tells any two contents apart (RFC 9110 §8.8.1). */
const isStrong = (etag: string | undefined): etag is string =>
  etag !== undefined && !etag.startsWith("W/");

const answer = (stat: Stat, bytes: Uint8Array, { range, ifMatch }: ReadOptions): ReadResult => {
  if (ifMatch !== undefined && ifMatch !== stat.etag)
    throw new FileError(
      "precondition-failed",
      "The file is not the one that was named; look at it again.",
      { fields: stat.etag === undefined ? {} : { etag: stat.etag } },
    );
  const resolved = range && resolveRange(range, bytes.length);
  return {
    stat,
    ...(resolved && { range: resolved }),
    // A copy: whoever reads owns what it gets.
    content: resolved ? bytes.slice(resolved.start, resolved.end + 1) : bytes.slice(),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
};

/**
 * Keeps small files in memory. Every reading asks the storage for the ETag first, in the same request, and is answered
 * from memory only where that is the ETag of what is kept: nothing has to be invalidated, and a change by another
 * process is seen at once. Without a strong ETag nothing is kept. Worth its `stat` where reading costs more than asking.
 */
export const cache = (options: CacheOptions = {}): Layer<Backend> => {
  const { maxBytes = 64 * 1024 * 1024, maxFileBytes = 64 * 1024 } = options;
  return (inner) => {
    const kept = new LRUCache<BackendPath, Kept>({
      maxSize: maxBytes,
      sizeCalculation: ({ bytes }, path) => bytes.length + 2 * path.length + overhead,
    });
    return overrideBackend(inner, {
      read: async (ctx, path, read = {}) => {
        if (read.version !== undefined) return inner.read(ctx, path, read);
        const stat = await inner.stat(ctx, path);
        const found = kept.get(path);
        if (found !== undefined && found.etag === stat.etag) return answer(stat, found.bytes, read);
        const result = await inner.read(ctx, path, read);
        const { content, range } = result;
        const { etag } = result.stat;
        if (
          content instanceof Uint8Array &&
          range === undefined &&
          content.length <= maxFileBytes &&
          isStrong(etag)
        )
          kept.set(path, { etag, bytes: content.slice() });
        return result;
      },
      close: async () => {
        kept.clear();
        await inner.close();
      },
    });
  };
};
