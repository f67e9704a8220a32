import { idempotencyKeyPattern, requestIdPattern } from "@bulkhead/wire";
import { z } from "zod";

export type RequestHeader =
  | "Range"
  | "If-Match"
  | "If-None-Match"
  | "If-Modified-Since"
  | "If-Unmodified-Since"
  | "If-Range"
  | "Content-Digest"
  | "Repr-Digest"
  | "Tus-Resumable"
  | "Upload-Length"
  | "Upload-Offset"
  | "Upload-Metadata"
  | "Upload-Checksum"
  | "Bulkhead-Meta-{name}"
  | "Bulkhead-Link-Password"
  | "Idempotency-Key"
  | "Bulkhead-Workspace-Prefix"
  | "X-Tenant-ID"
  | "Bulkhead-As"
  | "Bulkhead-Namespace"
  | "X-Request-Id"
  | "traceparent";

export type AnswerHeader =
  | "ETag"
  | "Last-Modified"
  | "Bulkhead-Version"
  | "Bulkhead-Meta-{name}"
  | "Accept-Ranges"
  | "Content-Range"
  | "Content-Disposition"
  | "Content-Security-Policy"
  | "Tus-Resumable"
  | "Upload-Length"
  | "Upload-Offset"
  | "Upload-Expires"
  | "Location"
  | "Link"
  | "Idempotency-Replayed"
  | "X-Request-Id"
  | "RateLimit-Policy"
  | "RateLimit"
  | "Retry-After"
  | "WWW-Authenticate";

interface Header {
  readonly does: string;
  readonly schema: z.ZodType;
  readonly example: string;
}

const etags = { schema: z.string(), example: '"b1946ac92492d234"' };
const date = { schema: z.string(), example: "Sat, 21 Nov 2026 12:00:00 GMT" };
const digest = {
  schema: z.string(),
  example: "sha-256=:WJG1tSLV3whtD/CxEPvZ0hu0/HFjrzTQgoai6Eb2vgM=:",
};

const tus = { does: "The version of tus.", schema: z.literal("1.0.0"), example: "1.0.0" };
const bytes = { schema: z.string().regex(/^\d{1,16}$/), example: "1048576" };
const uploadLength = { does: "How long the whole file is, in bytes.", ...bytes };
const uploadOffset = { does: "Where the part begins in the file, in bytes.", ...bytes };

/** Headers of requests: those of one route, of every route with a key, and of every route. */
export const requestHeaders: Readonly<Record<RequestHeader, Header>> = {
  Range: {
    does: "One range of bytes; several are passed over.",
    schema: z.string(),
    example: "bytes=0-1023",
  },
  "If-Match": { does: "Only if the present ETag is one of these; `*` for any.", ...etags },
  "If-None-Match": {
    does: "Only if the present ETag is none of these; `*`, on a write, only if nothing is there.",
    ...etags,
  },
  "If-Modified-Since": { does: "Only if it was changed since.", ...date },
  "If-Unmodified-Since": { does: "Only if it was not changed since.", ...date },
  "If-Range": { does: "The range counts only for this ETag.", ...etags },
  "Content-Digest": { does: "Checked before anything becomes visible (RFC 9530).", ...digest },
  "Repr-Digest": { does: "As `Content-Digest`: contents have no codings here.", ...digest },
  "Tus-Resumable": tus,
  "Upload-Length": uploadLength,
  "Upload-Offset": uploadOffset,
  "Upload-Metadata": {
    does: "`path`, and `filetype` where it is known, each with its value in base64.",
    schema: z.string(),
    example: "path L2JpZy5iaW4=,filetype dmlkZW8vbXA0",
  },
  "Upload-Checksum": {
    does: "sha1, sha256 or sha512 of the part, in base64; 460 where it has another.",
    schema: z.string(),
    example: "sha1 2jmj7l5rSw0yVb/vlWAYkK/YBwk=",
  },
  "Bulkhead-Meta-{name}": {
    does: "One metadatum, percent-encoded UTF-8, under a name of your own; 8 KiB at most together.",
    schema: z.string(),
    example: "Alice",
  },
  "Bulkhead-Link-Password": {
    does: "The password of the link, percent-encoded UTF-8.",
    schema: z.string(),
    example: "open%20sesame",
  },
  "Idempotency-Key": {
    does: "The same key with the same request answers again without acting again, for 24 hours.",
    schema: z.string().regex(idempotencyKeyPattern),
    example: "7f1c9f0e-order-42",
  },
  "Bulkhead-Workspace-Prefix": {
    does: "Narrows this request to a part of what the key reaches; percent-encoded like a path.",
    schema: z.string(),
    example: "/workspace/acme/team",
  },
  "X-Tenant-ID": {
    does: "A tenant's id; has to agree with the key.",
    schema: z.string(),
    example: "acme",
  },
  "Bulkhead-As": {
    does: "Acts for that subject: for the platform's key and keys that administer a whole tenant.",
    schema: z.string(),
    example: "user:alice",
  },
  "Bulkhead-Namespace": {
    does: "The tenant of whom `Bulkhead-As` names.",
    schema: z.string(),
    example: "tenant:acme",
  },
  "X-Request-Id": {
    does: "Comes back in the answer and in the audit log; another one is replaced.",
    schema: z.string().regex(requestIdPattern),
    example: "8b0e3c5a-42",
  },
  traceparent: {
    does: "The caller's trace (W3C Trace Context).",
    schema: z.string(),
    example: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
  },
};

/** Headers of answers. */
export const answerHeaders: Readonly<Record<AnswerHeader, Header>> = {
  ETag: { does: "The state of the file; strong.", ...etags },
  "Last-Modified": { does: "When the content was stored.", ...date },
  "Bulkhead-Version": {
    does: "The content's version, where the storage keeps versions.",
    schema: z.string(),
    example: "42",
  },
  "Bulkhead-Meta-{name}": {
    does: "A metadatum of the file, one header each.",
    schema: z.string(),
    example: "Alice",
  },
  "Accept-Ranges": {
    does: "Ranges of bytes are served.",
    schema: z.literal("bytes"),
    example: "bytes",
  },
  "Content-Range": {
    does: "Which part of the content this is.",
    schema: z.string(),
    example: "bytes 0-1023/4096",
  },
  "Content-Disposition": {
    does: "Where it is to be kept rather than shown.",
    schema: z.string(),
    example: "attachment",
  },
  "Content-Security-Policy": {
    does: "What a browser may do with it.",
    schema: z.string(),
    example: "sandbox; default-src 'none'",
  },
  "Tus-Resumable": tus,
  "Upload-Length": uploadLength,
  "Upload-Offset": { ...uploadOffset, does: "Where the next part begins, in bytes." },
  "Upload-Expires": { does: "When it is over unless something comes.", ...date },
  Location: {
    does: "Where what was made is from now on.",
    schema: z.string(),
    example: "/v1/jobs/42",
  },
  Link: {
    does: 'The next page, as `rel="next"` (RFC 8288).',
    schema: z.string(),
    example: '</v1/keys?after=abc>; rel="next"',
  },
  "Idempotency-Replayed": {
    does: "`true` where this was answered before, to the same `Idempotency-Key`.",
    schema: z.literal("true"),
    example: "true",
  },
  "X-Request-Id": {
    does: "Finds the request in the log and in the audit log.",
    schema: z.string(),
    example: "8b0e3c5a-42",
  },
  "RateLimit-Policy": {
    does: "The limits this request was counted against.",
    schema: z.string(),
    example: '"tenant";q=1000;w=60',
  },
  RateLimit: {
    does: "What is left of them.",
    schema: z.string(),
    example: '"tenant";r=998;t=42',
  },
  "Retry-After": {
    does: "Seconds to wait; then it succeeds, or is worth another try.",
    schema: z.string(),
    example: "7",
  },
  "WWW-Authenticate": {
    does: "How to say who asks.",
    schema: z.string(),
    example: 'Bearer realm="bulkhead"',
  },
};

/** Headers that every request with a key may have. */
export const requestHeadersOfAll: readonly RequestHeader[] = [
  "Bulkhead-Workspace-Prefix",
  "X-Tenant-ID",
  "Bulkhead-As",
  "Bulkhead-Namespace",
];

/** Headers that every request may have. */
export const requestHeadersOfAny: readonly RequestHeader[] = ["X-Request-Id", "traceparent"];
