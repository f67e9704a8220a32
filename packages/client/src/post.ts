import { headerNames } from "@bulkhead/wire";
import type { CallOptions } from "./options.ts";

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
