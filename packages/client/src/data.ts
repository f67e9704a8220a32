/** What can be written. A string is sent as UTF-8; what is pulled is sent as it comes, once. */
export type FileData =
  | string
  | Uint8Array
  | Blob
  | ReadableStream<Uint8Array>
  | AsyncIterable<Uint8Array>;

/** A body as `fetch` takes it. */
export interface Payload {
  readonly body: Uint8Array<ArrayBuffer> | Blob | ReadableStream<Uint8Array>;
  /** It can be sent again. */
  readonly replayable: boolean;
  readonly streamed: boolean;
}

/** Makes a stream that pulls from `source` no faster than it is read, and ends it when it is given up. */
const streamOf = (source: AsyncIterable<Uint8Array>): ReadableStream<Uint8Array> => {
  let iterator: AsyncIterator<Uint8Array> | undefined;
  return new ReadableStream<Uint8Array>(
    {
      pull: async (controller) => {
        iterator ??= source[Symbol.asyncIterator]();
        // A chunk without bytes would end a body in some stacks; it carries nothing.
        for (;;) {
          const next = await iterator.next();
          if (next.done === true) return controller.close();
          if (next.value.length > 0) return controller.enqueue(next.value);
        }
      },
      cancel: async () => {
        await (iterator ?? source[Symbol.asyncIterator]()).return?.();
      },
    },
    { highWaterMark: 0 },
  );
};

/** Prepares `data` for sending. Throws a `TypeError` for what is none of `FileData`. */
export const payloadOf = (data: FileData): Payload => {
  if (typeof data === "string")
    return { body: new TextEncoder().encode(data), replayable: true, streamed: false };
  if (data instanceof Uint8Array)
    // A copy: the caller may go on using its buffer while this one waits to be sent again.
    return { body: new Uint8Array(data), replayable: true, streamed: false };
  if (data instanceof Blob) return { body: data, replayable: true, streamed: false };
  if (data instanceof ReadableStream) return { body: data, replayable: false, streamed: true };
  if (typeof data === "object" && data !== null && Symbol.asyncIterator in data)
    return { body: streamOf(data), replayable: false, streamed: true };
  throw new TypeError(
    "Data is a string, a Uint8Array, a Blob, a ReadableStream or an AsyncIterable.",
  );
};
