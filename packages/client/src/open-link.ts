import type { ByteRange } from "@bulkhead/contract";
import { encodeHeaderText, headerNames } from "@bulkhead/wire";
import { contentOf, rangeHeader, type RemoteContent } from "./download.ts";
import type { CallOptions } from "./options.ts";
import { createTransport } from "./transport.ts";

export interface OpenLinkOptions extends CallOptions {
  readonly password?: string | undefined;
  readonly range?: ByteRange | undefined;
  /** The platform's own by default. */
  readonly fetch?: typeof globalThis.fetch;
}

/**
 * Opens what a link leads to: needs its address and no key. Uses the link once. Rejects with `not-found` where it has
 * ended or is used up, with `forbidden` without its password.
 */
export const openLink = async (
  url: string,
  options: OpenLinkOptions = {},
): Promise<RemoteContent> => {
  const { password, range, signal } = options;
  const transport = createTransport({
    base: "",
    headers: {},
    fetch: options.fetch ?? ((...args) => globalThis.fetch(...args)),
    retry: { attempts: 1, maxWaitMs: 0 },
  });
  const response = await transport.send({
    method: "GET",
    target: url,
    headers: {
      Range: rangeHeader(range),
      [headerNames.linkPassword]: password === undefined ? undefined : encodeHeaderText(password),
    },
    signal,
  });
  return contentOf(response, signal);
};
