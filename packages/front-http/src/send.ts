import type { IncomingMessage, ServerResponse } from "node:http";
import { FileError, type Place } from "@bulkhead/contract";
import { throttled } from "@bulkhead/kit";
import { headerNames } from "@bulkhead/wire";
import type { Answer, Headers } from "./answer.ts";
import { begun } from "./begun.ts";
import { endAfter } from "./connection.ts";
import { jsonText } from "./json-text.ts";
import { pump } from "./pump.ts";
import { rateHeaders } from "./rate-headers.ts";

/** What sending needs to know of a request. */
export interface Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly requestId: string;
  readonly signal: AbortSignal;
  readonly stallMs: number;
  /** The client waits for `100 Continue`, which was not sent: no body is on its way. */
  readonly withheld: boolean;
  /** The server is about to stop: the connection ends with this answer. */
  readonly closing: boolean;
  readonly place: Place;
  /** For pages from elsewhere. */
  readonly cors: Headers;
}

/** Headers of every answer. */
export const commonHeaders = (requestId: string): Record<string, string> => ({
  "Cache-Control": "private, no-store",
  Vary: "Authorization",
  "X-Content-Type-Options": "nosniff",
  [headerNames.requestId]: requestId,
});

/** True if the request announces content. */
const hasBody = ({ headers }: IncomingMessage): boolean =>
  headers["transfer-encoding"] !== undefined || Number(headers["content-length"] ?? 0) > 0;

const lingerBytes = 16 * 1024 * 1024;
const lingerMs = 2000;

// Closing a socket with unread data resets it, and the client may lose the answer with it: what is on its way is read
// and thrown away for a while, then the connection goes.
const linger = (request: IncomingMessage): Promise<void> =>
  new Promise((resolve) => {
    let bytes = 0;
    const done = (): void => {
      clearTimeout(timer);
      request.off("data", count).off("end", done).off("close", done).pause();
      resolve();
    };
    const count = (chunk: Buffer): void => {
      bytes += chunk.length;
      if (bytes > lingerBytes) done();
    };
    const timer = setTimeout(done, lingerMs);
    if (request.complete || request.destroyed) return done();
    // A stream that was pulled until now flows again only after the present tick.
    setImmediate(() => request.on("data", count).on("end", done).on("close", done).resume());
  });

/** As long as its bytes are, both ways: what is ASCII goes out in one piece with the head, as text. */
const textBody = (text: string): Buffer | string =>
  Buffer.byteLength(text) === text.length ? text : Buffer.from(text);

const bodyOf = (
  answer: Answer,
  signal: AbortSignal,
): Promise<Buffer | string> | Buffer | string | undefined => {
  if (answer.json !== undefined) {
    const text = jsonText(answer.json, signal);
    return typeof text === "string" ? textBody(text) : text.then(textBody);
  }
  if (answer.text !== undefined) return textBody(answer.text);
  const content = answer.read?.result.content;
  if (!(content instanceof Uint8Array)) return undefined;
  if (content.length !== answer.read?.length)
    throw new FileError("internal", "A content is not as long as its stat says.");
  return Buffer.from(content.buffer, content.byteOffset, content.length);
};

/** Opens a content as a request, and goes on as a stream. */
const onItsWay = async (
  content: AsyncIterable<Uint8Array>,
  place: Place,
  signal: AbortSignal,
): Promise<AsyncIterable<Uint8Array>> => {
  const opened = await begun(content, signal);
  try {
    await place.stream();
    return opened;
  } catch (error) {
    void opened.return?.().catch(() => undefined);
    throw error;
  }
};

const write = async (exchange: Exchange, answer: Answer): Promise<void> => {
  const { request, response, signal, stallMs } = exchange;
  const body = await bodyOf(answer, signal);
  const length = body?.length ?? answer.read?.length ?? answer.length;
  const unread = hasBody(request) && !request.complete;
  const headers: Record<string, string> = {
    ...commonHeaders(exchange.requestId),
    ...exchange.cors,
    ...rateHeaders(exchange.place.rates),
    ...(answer.json !== undefined && { "Content-Type": "application/json" }),
    ...answer.headers,
    ...(length !== undefined && { "Content-Length": String(length) }),
    ...((unread || exchange.closing) && { Connection: "close" }),
  };
  // An answer without content says so, or the connection would have to end with it.
  if (length === undefined && answer.status !== 204 && answer.status !== 304)
    headers["Content-Length"] = "0";
  const bodiless = request.method === "HEAD" || answer.status === 304;
  const sent = bodiless ? undefined : answer.read?.result.sent;
  const content = body === undefined && !bodiless ? answer.read?.result.content : undefined;
  const stream = content instanceof Uint8Array ? undefined : content;
  const { place } = exchange;
  // Before the head: where it cannot be opened, recorded or counted, or too many are on their way, that is still an answer.
  if (!bodiless) await answer.read?.result.told?.();
  const opened = stream === undefined ? undefined : await onItsWay(stream, place, signal);
  if (answer.read !== undefined && body !== undefined && !bodiless)
    await place.throttle?.pass(body.length);
  sent?.(body?.length ?? 0);
  if (headers["Connection"] === "close" || !response.shouldKeepAlive) endAfter(request.socket);
  response.writeHead(answer.status, headers);
  if (opened !== undefined && answer.read !== undefined) {
    const paced = place.throttle === undefined ? opened : throttled(opened, place.throttle);
    const { length: size, sending } = answer.read;
    await pump({ content: paced, sent, sending }, response, size, stallMs, signal);
  } else if (body !== undefined && !bodiless && unread) response.write(body, "latin1");
  if (unread && !exchange.withheld) await linger(request);
  if (body === undefined || bodiless || unread) response.end();
  else response.end(body, "latin1");
};

/**
 * Writes an answer and disposes what it reads. Never rejects once the head is out: what fails then ends the connection,
 * so that the client cannot take a part for the whole.
 */
export const send = async (exchange: Exchange, answer: Answer): Promise<unknown> => {
  try {
    await write(exchange, answer);
    return undefined;
  } catch (error) {
    if (!exchange.response.headersSent) throw error;
    exchange.request.socket.destroy();
    return error;
  } finally {
    answer.read?.sending.end();
    await answer.read?.result[Symbol.asyncDispose]();
  }
};
