/** Names of the headers that are Bulkhead's own, as they are documented; comparison is without case. */
export const headerNames = {
  /** Narrows one request to a part of the key's bounds. */
  workspacePrefix: "Bulkhead-Workspace-Prefix",
  /** A file's version, where its storage keeps versions. */
  version: "Bulkhead-Version",
  /** Followed by the name of one metadatum; see `encodeMetadata`. */
  metaPrefix: "Bulkhead-Meta-",
  idempotencyKey: "Idempotency-Key",
  /** `true` where an answer was given before, to the same `Idempotency-Key`. */
  idempotencyReplayed: "Idempotency-Replayed",
  /** A tenant's id; has to agree with the key. */
  tenant: "X-Tenant-ID",
  /** For whom a request acts, as `user:alice`; for keys of the platform and of a tenant's admins. */
  as: "Bulkhead-As",
  /** The tenant of whom a request acts for, as `tenant:acme`. */
  namespace: "Bulkhead-Namespace",
  /** The password of a link, percent-encoded UTF-8. */
  linkPassword: "Bulkhead-Link-Password",
  requestId: "X-Request-Id",
} as const;

/** What a request id looks like; another is replaced by one of the server's. */
export const requestIdPattern: RegExp = /^[A-Za-z0-9._-]{1,128}$/;

/** What an `Idempotency-Key` looks like: visible ASCII, at most 255 characters, quotes not needed. */
export const idempotencyKeyPattern: RegExp = /^[\x21-\x7e]{1,255}$/;
