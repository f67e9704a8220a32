import { type Body, FileError } from "@bulkhead/contract";

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  if (bytes.length > 0) yield bytes;
}

/** A body that is all there, and can be sent again. */
export const bytesBody = (bytes: Uint8Array): Body => ({
  size: bytes.length,
  replayable: true,
  open: () => once(bytes),
});

/** The UTF-8 of `text` as a body. */
export const textBody = (text: string): Body => bytesBody(new TextEncoder().encode(text));

/** A body that can be pulled once. `size` where the sender declared one. */
export const streamBody = (source: AsyncIterable<Uint8Array>, size?: number): Body => {
  let opened = false;
  return {
    size,
    replayable: false,
    open: () => {
      if (opened)
        throw new FileError("internal", "This body has been read and cannot be sent again.");
      opened = true;
      return source;
    },
  };
};

/** Gathers content into one buffer. Throws `too-large` past `limit` bytes. */
export const collect = async (
  content: Uint8Array | AsyncIterable<Uint8Array>,
  limit: number = Number.MAX_SAFE_INTEGER,
): Promise<Uint8Array> => {
  const excess = (): never => {
    throw new FileError("too-large", `At most ${limit} bytes fit here.`, { fields: { limit } });
  };
  if (content instanceof Uint8Array) return content.length > limit ? excess() : content;
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of content) {
    size += chunk.length;
    if (size > limit) excess();
    chunks.push(chunk);
  }
  if (chunks.length === 1 && chunks[0] !== undefined) return chunks[0];
  const whole = new Uint8Array(size);
  let at = 0;
  for (const chunk of chunks) {
    whole.set(chunk, at);
    at += chunk.length;
  }
  return whole;
};

/** The chunks of content, whether it came as one buffer or as a stream. */
export const chunksOf = (
  content: Uint8Array | AsyncIterable<Uint8Array>,
): AsyncIterable<Uint8Array> => (content instanceof Uint8Array ? once(content) : content);
