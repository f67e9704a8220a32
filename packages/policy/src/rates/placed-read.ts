import type { Place, ReadResult } from "@bulkhead/contract";
import { throttled } from "@bulkhead/kit";

/** The same answer, counted as a stream while it is one, no faster than its place lets it; the place ends with it. */
export const placedRead = async (result: ReadResult, place: Place): Promise<ReadResult> => {
  const { content } = result;
  const { throttle } = place;
  try {
    if (!(content instanceof Uint8Array)) await place.stream();
    else if (throttle !== undefined) await throttle.pass(content.length);
  } catch (error) {
    await result[Symbol.asyncDispose]();
    throw error;
  }
  return {
    stat: result.stat,
    ...(result.range && { range: result.range }),
    ...(result.sent && { sent: result.sent }),
    ...(result.told && { told: result.told }),
    content:
      throttle === undefined || content instanceof Uint8Array
        ? content
        : throttled(content, throttle),
    [Symbol.asyncDispose]: async () => {
      try {
        await result[Symbol.asyncDispose]();
      } finally {
        place.end();
      }
    },
  };
};
