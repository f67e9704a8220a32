import type { Body, ReadResult } from "@bulkhead/contract";

/** Sees each chunk before it goes on; what it throws ends the transfer. */
export type Tap = (chunk: Uint8Array) => void;

async function* tapped(source: AsyncIterable<Uint8Array>, tap: Tap): AsyncGenerator<Uint8Array> {
  for await (const chunk of source) {
    tap(chunk);
    yield chunk;
  }
}

/** The same body, its chunks shown to `tap` each time it is sent. */
export const tapBody = (body: Body, tap: () => Tap): Body => ({
  size: body.size,
  replayable: body.replayable,
  open: () => tapped(body.open(), tap()),
});

/** The same answer, its chunks shown to `tap`; a buffer is shown at once. */
export const tapRead = (result: ReadResult, tap: Tap): ReadResult => {
  if (result.content instanceof Uint8Array) {
    tap(result.content);
    return result;
  }
  return {
    stat: result.stat,
    ...(result.range && { range: result.range }),
    content: tapped(result.content, tap),
    ...(result.sent && { sent: result.sent }),
    ...(result.told && { told: result.told }),
    [Symbol.asyncDispose]: () => result[Symbol.asyncDispose](),
  };
};
