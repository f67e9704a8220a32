import {
  type Backend,
  type Body,
  FileError,
  type Layer,
  type ReadResult,
} from "@bulkhead/contract";
import { overrideBackend } from "@bulkhead/kit";

const torn = (): FileError =>
  new FileError("unavailable", "The storage did not keep the whole content; nothing was changed.");
const tornAfter = (): FileError =>
  new FileError("unavailable", "The storage did not keep the whole content; look at it again.");
const short = (): FileError =>
  new FileError("unavailable", "The storage did not send the whole content.");

/** How many bytes an answer has to carry. */
const lengthOf = ({ stat, range }: ReadResult): number =>
  range === undefined ? stat.size : range.end - range.start + 1;

async function* whole(
  content: AsyncIterable<Uint8Array>,
  length: number,
): AsyncGenerator<Uint8Array> {
  let seen = 0;
  for await (const chunk of content) {
    seen += chunk.length;
    if (seen > length) throw short();
    yield chunk;
  }
  if (seen !== length) throw short();
}

/** Counts a body as it is pulled. `expected` is its size once it is certain. */
const counted = (
  body: Body,
): { readonly body: Body; readonly expected: () => number | undefined } => {
  let pulled: number | undefined;
  async function* count(): AsyncGenerator<Uint8Array> {
    let seen = 0;
    for await (const chunk of body.open()) {
      seen += chunk.length;
      yield chunk;
    }
    pulled = seen;
  }
  return {
    body: { size: body.size, replayable: body.replayable, open: count },
    // A storage may ask for the commit before the last bytes: then what was declared has to do.
    expected: () => pulled ?? body.size,
  };
};

/**
 * Compares lengths at both ends of a storage. A write of which another number of bytes was staged is refused before it
 * becomes visible, and a reading that ends early fails instead of ending, both with `unavailable`. A change that keeps
 * the length needs a digest and is not seen here.
 */
export const exactLength: Layer<Backend> = (inner) =>
  overrideBackend(inner, {
    read: async (ctx, path, options) => {
      const result = await inner.read(ctx, path, options);
      const length = lengthOf(result);
      if (result.content instanceof Uint8Array) {
        if (result.content.length === length) return result;
        await result[Symbol.asyncDispose]();
        throw short();
      }
      return {
        stat: result.stat,
        ...(result.range && { range: result.range }),
        content: whole(result.content, length),
        [Symbol.asyncDispose]: () => result[Symbol.asyncDispose](),
      };
    },
    write: async (ctx, path, body, options) => {
      const { body: seen, expected } = counted(body);
      const check = (size: number, refusal: () => FileError): void => {
        const wanted = expected();
        if (wanted !== undefined && size !== wanted) throw refusal();
      };
      const result = await inner.write(
        {
          ...ctx,
          commit: async (staged) => {
            check(staged.size, torn);
            await ctx.commit(staged);
          },
        },
        path,
        seen,
        options,
      );
      check(result.size, tornAfter);
      return result;
    },
  });
