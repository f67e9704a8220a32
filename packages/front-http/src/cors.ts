import type { IncomingMessage } from "node:http";
import { headerNames, tusHeaders } from "@bulkhead/wire";
import type { Answer, Headers } from "./answer.ts";

/** What answers say to browsers of pages from elsewhere (Fetch, "CORS protocol"). */
export interface Cors {
  /** Headers for the answer to a request; none unless it comes from a page that is let in. */
  readonly headers: (request: IncomingMessage) => Headers;
  /** The answer to a question whether a request may be sent; undefined for everything else. */
  readonly preflight: (request: IncomingMessage) => Answer | undefined;
}

const methods = "GET, HEAD, PUT, POST, PATCH, DELETE";

const sent = [
  "Authorization",
  "Content-Type",
  "Content-Digest",
  "Repr-Digest",
  "If-Match",
  "If-None-Match",
  "If-Modified-Since",
  "If-Range",
  "Range",
  headerNames.workspacePrefix,
  headerNames.idempotencyKey,
  headerNames.tenant,
  headerNames.as,
  headerNames.namespace,
  headerNames.linkPassword,
  headerNames.requestId,
  tusHeaders.resumable,
  tusHeaders.length,
  tusHeaders.offset,
  tusHeaders.metadata,
  tusHeaders.checksum,
].map((name) => name.toLowerCase());

const exposed = [
  "ETag",
  headerNames.version,
  "Retry-After",
  "RateLimit",
  "RateLimit-Policy",
  "Accept-Ranges",
  "Content-Range",
  "Link",
  "Location",
  headerNames.idempotencyReplayed,
  headerNames.requestId,
  tusHeaders.resumable,
  tusHeaders.length,
  tusHeaders.offset,
  tusHeaders.expires,
].join(", ");

const meta = headerNames.metaPrefix.toLowerCase();

/** Headers that were asked for and may be sent: a metadatum's name is its sender's choice. */
const allowed = (asked: string | undefined): string =>
  [
    ...sent,
    ...(asked ?? "")
      .split(",")
      .map((name) => name.trim().toLowerCase())
      .filter((name) => name.startsWith(meta) && /^[a-z0-9._%-]{1,512}$/.test(name)),
  ].join(", ");

/**
 * Lets pages of these origins in, never with credentials: a key is something that a page has, no cookie of its reader's.
 * Without origins no answer says anything.
 */
export const cors = (origins: readonly string[]): Cors => {
  const known = new Set(origins);
  const origin = ({ headers }: IncomingMessage): string | undefined => {
    const from = headers.origin;
    return from !== undefined && known.has(from) ? from : undefined;
  };
  const common = (from: string): Headers => ({
    "Access-Control-Allow-Origin": from,
    Vary: "Authorization, Origin",
  });
  return {
    headers: (request) => {
      const from = origin(request);
      if (from === undefined) return known.size === 0 ? {} : { Vary: "Authorization, Origin" };
      return { ...common(from), "Access-Control-Expose-Headers": exposed };
    },
    preflight: (request) => {
      const from = origin(request);
      if (
        from === undefined ||
        request.method !== "OPTIONS" ||
        request.headers["access-control-request-method"] === undefined
      )
        return undefined;
      return {
        status: 204,
        headers: {
          "Access-Control-Allow-Methods": methods,
          "Access-Control-Allow-Headers": allowed(
            request.headers["access-control-request-headers"],
          ),
          "Access-Control-Max-Age": "7200",
        },
      };
    },
  };
};
