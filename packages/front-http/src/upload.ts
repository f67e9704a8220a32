import type { IncomingMessage } from "node:http";
import { type Body, FileError, type Place } from "@bulkhead/contract";
import { streamBody, throttled } from "@bulkhead/kit";
import type { DigestCheck } from "./digest.ts";
import { HttpFault } from "./fault.ts";
import { bytesPassed } from "./scavenge.ts";

export interface UploadOptions {
  /** How long the client may send nothing while somebody waits for it. */
  readonly stallMs: number;
  /** Called once, when the body is first pulled. */
  readonly onOpen: () => void;
  readonly check: DigestCheck | undefined;
  readonly place: Place;
}

/** The body of a request, to be pulled once. */
export interface Upload {
  readonly body: Body;
  /** Why the body could not be read to its end, whatever the layers in between made of it. */
  readonly fault: () => unknown;
}

/** A body that is not there after so many milliseconds comes at its client's pace: it is one on its way. */
const slowMs = 50;

const gone = (): FileError =>
  new FileError("aborted", "The client went away before its body was complete.");
const stalled = (): HttpFault =>
  new HttpFault(
    408,
    "The body did not arrive in time",
    "The body made no progress; send it again.",
    {
      code: "timeout",
      close: true,
    },
  );

// Not the stream's own iterator: that one destroys the connection when it is left, and cannot be left while it waits.
async function* arriving(
  request: IncomingMessage,
  { stallMs, place }: UploadOptions,
): AsyncGenerator<Uint8Array> {
  let wake = (): void => undefined;
  let late = false;
  let failed = false;
  let slow: NodeJS.Timeout | undefined;
  let crowded: { readonly error: unknown } | undefined;
  const stream = (): void =>
    void place.stream().catch((error: unknown) => {
      crowded = { error };
      wake();
    });
  const notify = (): void => wake();
  const fail = (): void => {
    failed = true;
    wake();
  };
  request.on("readable", notify).on("end", notify).on("close", notify).on("error", fail);
  try {
    for (;;) {
      const chunk: Buffer | null = request.read();
      if (chunk !== null) {
        yield chunk;
        bytesPassed(chunk.length);
        continue;
      }
      if (request.readableEnded) break;
      if (crowded !== undefined) throw crowded.error;
      if (failed || request.destroyed) throw gone();
      if (late) throw stalled();
      slow ??= setTimeout(stream, slowMs);
      const woken = new Promise<void>((resolve) => {
        wake = resolve;
      });
      const timer = setTimeout(() => {
        late = true;
        wake();
      }, stallMs);
      await woken;
      clearTimeout(timer);
    }
    if (!request.complete) throw gone();
  } finally {
    clearTimeout(slow);
    request.off("readable", notify).off("end", notify).off("close", notify).off("error", fail);
  }
}

// Keeps back the latest chunk until it is known to be right: a reader that stops at the declared size would otherwise
// never hear that the digest is wrong.
async function* checked(
  source: AsyncIterable<Uint8Array>,
  check: DigestCheck,
): AsyncGenerator<Uint8Array> {
  let last: Uint8Array | undefined;
  for await (const chunk of source) {
    check.update(chunk);
    if (last !== undefined) yield last;
    last = chunk;
  }
  check.finish();
  if (last !== undefined) yield last;
}

/** Takes the body of a request: as long as `Content-Length` says, or until its last chunk. Nothing is read before it is opened. */
export const uploadOf = (request: IncomingMessage, options: UploadOptions): Upload => {
  const { headers } = request;
  const chunked = headers["transfer-encoding"] !== undefined;
  let fault: unknown;
  async function* source(): AsyncGenerator<Uint8Array> {
    options.onOpen();
    try {
      const { throttle } = options.place;
      const sent = arriving(request, options);
      const raw = throttle === undefined ? sent : throttled(sent, throttle);
      yield* options.check === undefined ? raw : checked(raw, options.check);
    } catch (error) {
      fault = error;
      throw error;
    }
  }
  return {
    body: streamBody(source(), chunked ? undefined : Number(headers["content-length"] ?? 0)),
    fault: () => fault,
  };
};
