import { headerNames } from "@bulkhead/wire";
import type { CallOptions } from "./options.ts";
import type { Schema, Transport } from "./transport.ts";

/** Makes an `Idempotency-Key`. Works in pages that are not served over TLS, where `randomUUID` does not exist. */
const newIdempotencyKey = (): string =>
  Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) =>
    byte.toString(16).padStart(2, "0"),
  ).join("");

/** A POST that may be sent again: the same `idempotencyKey` and input answer the same, the secret excepted. */
export interface PostOptions extends CallOptions {
  readonly idempotencyKey?: string | undefined;
}

/** The headers of a POST. */
export const postHeaders = (options: PostOptions): Record<string, string> => ({
  [headerNames.idempotencyKey]: options.idempotencyKey ?? newIdempotencyKey(),
});

/** Sends a POST that is carried out once, however often it is sent, and checks its answer. */
export const posted = <T>(
  transport: Transport,
  target: string,
  json: unknown,
  options: PostOptions,
  schema: Schema<T>,
): Promise<T> =>
  transport.ask(
    {
      method: "POST",
      target,
      headers: postHeaders(options),
      json,
      signal: options.signal,
      repeatable: true,
    },
    schema,
  );

/** Sends a POST that changes nothing: it needs no name to be sent again. */
export const asked = <T>(
  transport: Transport,
  target: string,
  json: unknown,
  options: CallOptions,
  schema: Schema<T>,
): Promise<T> =>
  transport.ask({ method: "POST", target, json, signal: options.signal, repeatable: true }, schema);
