import { chunksOf } from "./body.ts";

const newline = 0x0a;
const carriageReturn = 0x0d;
/** Where a NUL says that content is no text. */
const probe = 8192;

/** Yields the content again, or nothing if it is binary: its beginning is held back until that is known. */
async function* textChunks(
  content: Uint8Array | AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array> {
  const held: Uint8Array[] = [];
  let seen = 0;
  for await (const chunk of chunksOf(content)) {
    if (seen >= probe) {
      yield chunk;
      continue;
    }
    if (chunk.subarray(0, probe - seen).includes(0)) return;
    held.push(chunk);
    seen += chunk.length;
    if (seen >= probe) yield* held.splice(0);
  }
  yield* held;
}

/**
 * Yields the lines of a text without their ends, decoded as UTF-8, each cut after `limit` bytes; none of a binary file.
 * Holds one line and one chunk at a time.
 */
export async function* lines(
  content: Uint8Array | AsyncIterable<Uint8Array>,
  limit: number,
): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  const line = new Uint8Array(limit);
  let length = 0;
  let begun = false;
  const keep = (bytes: Uint8Array): void => {
    const part = bytes.subarray(0, limit - length);
    line.set(part, length);
    length += part.length;
    begun = true;
  };
  const take = (): string => {
    const end = length > 0 && line[length - 1] === carriageReturn ? length - 1 : length;
    length = 0;
    begun = false;
    return decoder.decode(line.subarray(0, end));
  };
  for await (const chunk of textChunks(content)) {
    let from = 0;
    for (let cut = chunk.indexOf(newline); cut >= 0; cut = chunk.indexOf(newline, from)) {
      keep(chunk.subarray(from, cut));
      yield take();
      from = cut + 1;
    }
    if (from < chunk.length) keep(chunk.subarray(from));
  }
  if (begun) yield take();
}
