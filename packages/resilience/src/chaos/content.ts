import type { Body, ReadResult } from "@bulkhead/contract";
import { chunksOf } from "@bulkhead/kit";

/** The first `length` bytes, then what `end` does. */
async function* cut(
  source: AsyncIterable<Uint8Array>,
  length: number,
  end: () => Promise<void>,
): AsyncGenerator<Uint8Array> {
  let left = length;
  for await (const chunk of source) {
    if (left > 0) yield chunk.subarray(0, left);
    left -= chunk.length;
    if (left <= 0) break;
  }
  await end();
}

/** The same chunks, but for one bit of the first. */
async function* flipped(
  source: AsyncIterable<Uint8Array>,
  random: number,
): AsyncGenerator<Uint8Array> {
  let done = false;
  for await (const chunk of source) {
    yield done ? chunk : flipBit(chunk, random);
    done ||= chunk.length > 0;
  }
}

const flipBit = (bytes: Uint8Array, random: number): Uint8Array => {
  const copy = bytes.slice();
  const bit = Math.floor(random * copy.length * 8);
  const byte = copy[bit >>> 3];
  if (byte !== undefined) copy[bit >>> 3] = byte ^ (1 << (bit & 7));
  return copy;
};

const withContent = (result: ReadResult, content: ReadResult["content"]): ReadResult => ({
  stat: result.stat,
  ...(result.range && { range: result.range }),
  content,
  [Symbol.asyncDispose]: () => result[Symbol.asyncDispose](),
});

const halfOf = ({ stat, range }: ReadResult): number =>
  Math.floor((range === undefined ? stat.size : range.end - range.start + 1) / 2);

/** A reading that ends half-way, as if that were all. */
export const shortRead = (result: ReadResult): ReadResult =>
  withContent(
    result,
    result.content instanceof Uint8Array
      ? result.content.slice(0, halfOf(result))
      : cut(result.content, halfOf(result), () => Promise.resolve()),
  );

/** A reading that stops half-way in the way `end` does. */
export const brokenRead = (result: ReadResult, end: () => Promise<void>): ReadResult =>
  withContent(result, cut(chunksOf(result.content), halfOf(result), end));

export const flippedRead = (result: ReadResult, random: number): ReadResult =>
  withContent(
    result,
    result.content instanceof Uint8Array
      ? flipBit(result.content, random)
      : flipped(result.content, random),
  );

export const flippedBody = (body: Body, random: number): Body => ({
  size: body.size,
  replayable: body.replayable,
  open: () => flipped(body.open(), random),
});

/** A body that is pulled to its end and of which only the first half goes on. */
export const tornBody = (body: Body): Body => {
  async function* half(): AsyncGenerator<Uint8Array> {
    const chunks: Uint8Array[] = [];
    for await (const chunk of body.open()) chunks.push(chunk);
    const size = chunks.reduce((sum, chunk) => sum + chunk.length, 0);
    const source = async function* (): AsyncGenerator<Uint8Array> {
      yield* chunks;
    };
    yield* cut(source(), Math.floor(size / 2), () => Promise.resolve());
  }
  return { size: undefined, replayable: body.replayable, open: half };
};

/** Takes the first chunk of a body and lets it go. */
export const pullSome = async (body: Body): Promise<void> => {
  for await (const _ of body.open()) return;
};
