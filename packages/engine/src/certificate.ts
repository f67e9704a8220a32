import { createHmac } from "node:crypto";

/** What was removed from where, and what stays until when. */
export interface Certificate {
  readonly tenant: string;
  readonly uid: string;
  /** RFC 3339. */
  readonly at: string;
  readonly removed: readonly Readonly<Record<string, unknown>>[];
  readonly kept: readonly Readonly<Record<string, unknown>>[];
}

/** A certificate with its HMAC-SHA256 (RFC 2104) over the JSON of all other members, in hex. */
export type SignedCertificate = Certificate & { readonly signature: string };

/** Signs under a key derived from the master key. */
export const signCertificate = (certificate: Certificate, key: Uint8Array): SignedCertificate => ({
  ...certificate,
  signature: createHmac("sha256", key).update(JSON.stringify(certificate)).digest("hex"),
});
