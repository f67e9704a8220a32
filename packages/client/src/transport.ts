import { codeOfStatus, headerNames } from "@bulkhead/wire";
import type { Payload } from "./data.ts";
import { bulkheadError } from "./errors.ts";
import { type Outgoing, outgoing } from "./outgoing.ts";
import { errorOfResponse, retryAfterOf } from "./problem-error.ts";

/** How often, and how long at most, a request waits for a server that asked it to (`Retry-After`). */
export interface RetryPolicy {
  /** Attempts in all; 3 by default. */
  readonly attempts?: number;
  /** The longest single wait in milliseconds; a server that asks for more is believed, and the error thrown. 20,000 by default. */
  readonly maxWaitMs?: number;
}

export interface TransportOptions {
  readonly base: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly fetch: typeof globalThis.fetch;
  readonly retry: Required<RetryPolicy>;
}

export interface Sending {
  readonly method: "GET" | "HEAD" | "PUT" | "POST" | "PATCH" | "DELETE";
  /** Escaped, from `/v1` on. */
  readonly target: string;
  readonly query?: Readonly<Record<string, string | number | boolean | undefined>>;
  readonly headers?: Readonly<Record<string, string | undefined>>;
  readonly json?: unknown;
  readonly payload?: Payload | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Done twice it is as done once: a read, or a POST that carries an `Idempotency-Key`. */
  readonly repeatable?: boolean;
}

/** What checks an answer: one of wire's schemas. */
export interface Schema<T> {
  readonly safeParse: (
    value: unknown,
  ) =>
    | { readonly success: true; readonly data: T }
    | { readonly success: false; readonly error: unknown };
}

/** Sends requests and reads what is no error. */
export interface Transport {
  /** Resolves with a good answer whose body is not read yet; rejects with a `BulkheadError`, or with the signal's reason. */
  readonly send: (sending: Sending) => Promise<Response>;
  /** As `send`, with the answer checked against `schema`. */
  readonly ask: <T>(sending: Sending, schema: Schema<T>) => Promise<T>;
}

const queryOf = (query: Sending["query"]): string => {
  const pairs = Object.entries(query ?? {}).flatMap(([name, value]) =>
    value === undefined ? [] : [`${name}=${encodeURIComponent(value)}`],
  );
  return pairs.length === 0 ? "" : `?${pairs.join("&")}`;
};

/** Waits; rejects with the reason of `signal` when it aborts. */
export const pause = (ms: number, signal: AbortSignal | undefined): Promise<void> =>
  new Promise((resolve, reject) => {
    const end = (): void => {
      clearTimeout(timer);
      reject(signal?.reason);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener("abort", end);
      resolve();
    }, ms);
    signal?.addEventListener("abort", end, { once: true });
    if (signal?.aborted === true) end();
  });

/** Turns a failed `fetch` or a body that broke off into `unavailable`; what the caller's own signal ended stays as it is. */
export const connectionError = (error: unknown, signal: AbortSignal | undefined): unknown => {
  if (signal?.aborted === true) return signal.reason;
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  const why =
    cause instanceof Error ? (cause.message === "" ? cause.name : cause.message) : String(cause);
  return bulkheadError("unavailable", `The server cannot be reached: ${why}`, {
    status: 0,
    retryable: true,
    cause: error,
  });
};

/** Makes the transport of one client: one server, one key. */
export const createTransport = (options: TransportOptions): Transport => {
  const attempt = async (sending: Sending, body: Outgoing | undefined): Promise<Response> => {
    const { method, payload, signal } = sending;
    const headers = new Headers(options.headers);
    for (const [name, value] of Object.entries(sending.headers ?? {}))
      if (value !== undefined) headers.set(name, value);
    const init: RequestInit & { duplex?: "half" } = { method, headers, redirect: "manual" };
    if (signal !== undefined) init.signal = signal;
    if (sending.json !== undefined) {
      headers.set("Content-Type", "application/json");
      init.body = JSON.stringify(sending.json);
    } else if (body !== undefined) {
      init.body = body.stream;
      init.duplex = "half";
    } else if (payload !== undefined) init.body = payload.body;
    try {
      return await options.fetch(options.base + sending.target + queryOf(sending.query), init);
    } catch (error) {
      const broken = body?.broken();
      throw broken === undefined ? connectionError(error, signal) : broken.error;
    }
  };

  const waitAfter = (sending: Sending, response: Response, done: number): number | undefined => {
    if (sending.repeatable !== true || sending.payload?.replayable === false) return undefined;
    if (response.status !== 503 && response.status !== 429) return undefined;
    const seconds = retryAfterOf(response.headers);
    const ms = seconds === undefined ? undefined : seconds * 1000;
    return ms === undefined || done >= options.retry.attempts || ms > options.retry.maxWaitMs
      ? undefined
      : ms;
  };

  const send = async (sending: Sending): Promise<Response> => {
    const source = sending.payload?.body;
    const body = source instanceof ReadableStream ? outgoing(source, sending.signal) : undefined;
    try {
      for (let done = 1; ; done++) {
        sending.signal?.throwIfAborted();
        const response = await attempt(sending, body);
        if (response.ok || response.status === 304) return response;
        if (response.type === "opaqueredirect" || (response.status >= 300 && response.status < 400))
          throw await redirected(response);
        const ms = waitAfter(sending, response, done);
        if (ms === undefined) throw await errorOfResponse(response);
        await response.body?.cancel().catch(() => undefined);
        await pause(ms, sending.signal);
      }
    } finally {
      // Only now: a body that ends before the refusal was read takes the connection with it.
      body?.release(new Error("The request is over."));
    }
  };

  const ask = async <T>(sending: Sending, schema: Schema<T>): Promise<T> =>
    answerOf(await send(sending), schema, sending.signal);

  return { send, ask };
};

const redirected = async (response: Response): Promise<unknown> => {
  await response.body?.cancel().catch(() => undefined);
  const to = response.headers.get("Location");
  return bulkheadError(
    codeOfStatus(400),
    `The server redirects${to === null ? "" : ` to ${to}`}; use the url of the server itself.`,
    { status: response.status, retryable: false },
  );
};

/** Reads the JSON of a good answer and checks it. */
export const answerOf = async <T>(
  response: Response,
  schema: Schema<T>,
  signal: AbortSignal | undefined,
): Promise<T> => {
  let body: unknown;
  try {
    body = await response.json();
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw connectionError(error, signal);
  }
  const parsed = schema.safeParse(body);
  if (parsed.success) return parsed.data;
  throw bulkheadError(
    "internal",
    "The server's answer is not the one expected: is the url right, and is the server's version this client's?",
    {
      status: response.status,
      requestId: response.headers.get(headerNames.requestId) ?? undefined,
      retryable: false,
      cause: parsed.error,
    },
  );
};
