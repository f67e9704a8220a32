import type { ByteRange } from "@bulkhead/contract";
import { decodeMetadata, headerNames, parseEtags } from "@bulkhead/wire";
import { bulkheadError } from "./errors.ts";
import type { ReadFileOptions } from "./options.ts";
import { type PathRoute, pathTarget } from "./target.ts";
import { connectionError, type Sending } from "./transport.ts";
import { etagHeader } from "./upload.ts";

/** Content on its way, and what its headers say of it. Read it or cancel it. */
export interface RemoteContent {
  readonly stream: ReadableStream<Uint8Array>;
  /** The bytes of this answer: of the range, where one was asked for. Undefined where the server does not know. */
  readonly length: number | undefined;
  readonly etag: string | undefined;
  readonly contentType: string | undefined;
  readonly version: string | undefined;
  readonly modifiedAt: Date | undefined;
  readonly metadata: Readonly<Record<string, string>>;
  /** `Repr-Digest` or, of a whole answer, `Content-Digest` (RFC 9530), where the server offers one. */
  readonly digest: string | undefined;
}

/** Writes a range as its header. */
export const rangeHeader = (range: ByteRange | undefined): string | undefined =>
  range === undefined
    ? undefined
    : "suffix" in range
      ? `bytes=-${range.suffix}`
      : `bytes=${range.start}-${range.end ?? ""}`;

/** The request that reads a file. */
export const readRequest = (
  method: "GET" | "HEAD",
  path: string,
  options: ReadFileOptions,
): Sending => ({
  method,
  target: pathTarget("files" satisfies PathRoute, path),
  query: { version: options.version },
  headers: { Range: rangeHeader(options.range), "If-Match": etagHeader(options.ifMatch) },
  signal: options.signal,
  repeatable: true,
});

/** Ends with an error where the connection broke off, or where fewer or more bytes came than were announced. */
const counted = (
  source: ReadableStream<Uint8Array>,
  length: number | undefined,
  signal: AbortSignal | undefined,
): ReadableStream<Uint8Array> => {
  const reader = source.getReader();
  let seen = 0;
  return new ReadableStream<Uint8Array>(
    {
      pull: async (controller) => {
        let next: ReadableStreamReadResult<Uint8Array>;
        try {
          next = await reader.read();
        } catch (error) {
          throw connectionError(error, signal);
        }
        if (!next.done) {
          seen += next.value.length;
          return controller.enqueue(next.value);
        }
        if (length !== undefined && seen !== length)
          throw bulkheadError(
            "unavailable",
            `The content broke off: ${seen} of ${length} bytes came.`,
            {
              status: 0,
              retryable: true,
            },
          );
        controller.close();
      },
      cancel: (reason) => reader.cancel(reason),
    },
    { highWaterMark: 0 },
  );
};

const empty = (): ReadableStream<Uint8Array> =>
  new ReadableStream({ start: (controller) => controller.close() });

const lengthOf = (headers: Headers): number | undefined => {
  const value = headers.get("Content-Length");
  // What a proxy compressed has the length of the compressed bytes.
  return value === null || headers.has("Content-Encoding") ? undefined : Number(value);
};

const etagOf = (headers: Headers): string | undefined => {
  const tags = parseEtags(headers.get("ETag") ?? "");
  return tags === undefined || tags === "*" ? undefined : tags[0]?.tag;
};

/** Reads the headers of a good answer to `readRequest`. */
export const contentOf = (response: Response, signal: AbortSignal | undefined): RemoteContent => {
  const { headers } = response;
  const length = lengthOf(headers);
  const modified = headers.get("Last-Modified");
  return {
    stream: response.body === null ? empty() : counted(response.body, length, signal),
    length,
    etag: etagOf(headers),
    contentType: headers.get("Content-Type") ?? undefined,
    version: headers.get(headerNames.version) ?? undefined,
    modifiedAt: modified === null ? undefined : new Date(modified),
    metadata: decodeMetadata(headers),
    digest:
      response.status === 206
        ? undefined
        : (headers.get("Repr-Digest") ?? headers.get("Content-Digest") ?? undefined),
  };
};

/** Gathers a stream into one buffer. */
export const gather = async (content: RemoteContent): Promise<Uint8Array<ArrayBuffer>> => {
  const chunks: Uint8Array[] = [];
  let size = 0;
  const reader = content.stream.getReader();
  for (;;) {
    const next = await reader.read();
    if (next.done) break;
    chunks.push(next.value);
    size += next.value.length;
  }
  const whole = new Uint8Array(size);
  let at = 0;
  for (const chunk of chunks) {
    whole.set(chunk, at);
    at += chunk.length;
  }
  return whole;
};
