import { encodeHeaderText, headerNames } from "@bulkhead/wire";
import { baseUrl } from "./base-url.ts";
import { bulkheadError } from "./errors.ts";
import type { RemoteFSOptions } from "./options.ts";
import { encodedPath } from "./target.ts";
import { createTransport, type Transport } from "./transport.ts";

/** Makes the transport of a client. Throws `invalid-request` for a key that is none, `invalid-path` for such a prefix. */
export const transportOf = (options: RemoteFSOptions): Transport => {
  const { apiKey, workspacePrefix, as, namespace, retry } = options;
  if (!/^[\x21-\x7e]+$/.test(apiKey))
    throw bulkheadError("invalid-request", "A key is visible ASCII, without spaces.", {
      status: 0,
      retryable: false,
    });
  return createTransport({
    base: baseUrl(options.url),
    headers: {
      Authorization: `Bearer ${apiKey}`,
      ...(workspacePrefix !== undefined && {
        [headerNames.workspacePrefix]: encodedPath(workspacePrefix),
      }),
      ...(as !== undefined && { [headerNames.as]: encodeHeaderText(as) }),
      ...(namespace !== undefined && { [headerNames.namespace]: encodeHeaderText(namespace) }),
    },
    fetch: options.fetch ?? ((...args) => globalThis.fetch(...args)),
    retry: {
      attempts: retry === false ? 1 : (retry?.attempts ?? 3),
      maxWaitMs: retry === false ? 0 : (retry?.maxWaitMs ?? 20_000),
    },
  });
};
