import type { Body } from "@bulkhead/contract";
import { bytesBody } from "@bulkhead/kit";

export type Content = string | Uint8Array | Body;

export const utf8 = (text: string): Uint8Array<ArrayBuffer> => new TextEncoder().encode(text);
export const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);

/** Text, bytes or a body, as a body. */
export const bodyOf = (content: Content): Body => {
  if (typeof content === "string") return bytesBody(utf8(content));
  return content instanceof Uint8Array ? bytesBody(content) : content;
};

async function* produce(
  chunks: readonly (Uint8Array | (() => Promise<void>))[],
  seen: { ended: boolean },
): AsyncGenerator<Uint8Array> {
  try {
    for (const chunk of chunks)
      if (typeof chunk === "function") await chunk();
      else yield chunk;
  } finally {
    seen.ended = true;
  }
}

/** A body of these chunks; a function among them is awaited at its place, and may throw. `ended` tells that it was let go. */
export const chunked = (
  chunks: readonly (string | Uint8Array | (() => Promise<void>))[],
  size?: number,
): Body & { readonly seen: { ended: boolean } } => {
  const seen = { ended: false };
  const ready = chunks.map((chunk) => (typeof chunk === "string" ? utf8(chunk) : chunk));
  return { size, replayable: false, open: () => produce(ready, seen), seen };
};

/** Bytes that repeat only after long, different for each seed. */
export const pattern = (length: number, seed = 1): Uint8Array => {
  const bytes = new Uint8Array(length);
  let state = (seed * 2_654_435_761) >>> 0 || 1;
  for (let i = 0; i < length; i++) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    bytes[i] = state;
  }
  return bytes;
};

/** Content in chunks of the given sizes, over and over. */
export const inChunksOf = (bytes: Uint8Array, sizes: readonly number[]): readonly Uint8Array[] => {
  const chunks: Uint8Array[] = [];
  for (let at = 0, i = 0; at < bytes.length; i++) {
    const size = sizes[i % sizes.length] ?? 1;
    chunks.push(bytes.slice(at, at + size));
    at += size;
  }
  return chunks;
};
