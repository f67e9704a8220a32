import { createHash, createHmac, timingSafeEqual } from "node:crypto";
import type { AuditHead, AuditHeads, Ledger } from "@bulkhead/ledger";
import type { Sealer } from "./seal.ts";
import { repeatedly } from "./repeatedly.ts";

/** Keys of 32 bytes derived from the master keys: the first signs, all verify. */
export type AuditKeys = readonly [Uint8Array, ...Uint8Array[]];

export interface HeadSignerOptions {
  readonly ledger: Pick<Ledger, "id" | "secrets">;
  /** As of now: a master key may be replaced meanwhile. */
  readonly keys: () => AuditKeys;
  /** Seals the keys themselves, so that what was signed can be verified once their master key is gone. */
  readonly sealer: Pick<Sealer, "seal" | "open"> | undefined;
}

export interface HeadSigner {
  readonly sign: (
    heads: readonly Pick<AuditHead, "tenantUid" | "n" | "hash">[],
    at: number,
  ) => Promise<readonly AuditHead[]>;
  readonly isSigned: (head: AuditHead) => Promise<boolean>;
}

const idOf = (key: Uint8Array): string =>
  createHash("sha256").update("bulkhead/audit-key").update(key).digest("hex").slice(0, 16);

const placeOf = (keyId: string) => ({ tenantUid: undefined, name: `audit-key:${keyId}` });

/** Signs heads of audit chains with HMAC-SHA256 (RFC 2104), under a key that the ledger cannot read. */
export const headSigner = ({ ledger, keys, sealer }: HeadSignerOptions): HeadSigner => {
  const retired = new Map<string, Uint8Array | undefined>();
  let kept: string | undefined;

  const signature = (
    key: Uint8Array,
    { tenantUid, n, hash, at }: Omit<AuditHead, "keyId" | "signature">,
  ): Buffer =>
    createHmac("sha256", key)
      .update(JSON.stringify(["bulkhead/audit-head/1", ledger.id, tenantUid ?? null, n, hash, at]))
      .digest();

  /** Keeps a key for as long as there are signatures of it. */
  const keep = async (keyId: string, key: Uint8Array): Promise<void> => {
    if (sealer === undefined || kept === keyId) return;
    const place = placeOf(keyId);
    await ledger.secrets.keep({
      ...place,
      ...sealer.seal(place, Buffer.from(key).toString("hex")),
    });
    kept = keyId;
  };

  const keyOf = async (keyId: string): Promise<Uint8Array | undefined> => {
    const known = keys().find((key) => idOf(key) === keyId);
    if (known !== undefined || sealer === undefined) return known;
    if (!retired.has(keyId)) {
      const place = placeOf(keyId);
      const secret = await ledger.secrets.get(place);
      const key = secret && Buffer.from(sealer.open(place, secret), "hex");
      // What bears another key's name signs nothing.
      retired.set(keyId, key !== undefined && idOf(key) === keyId ? key : undefined);
    }
    return retired.get(keyId);
  };

  return {
    sign: async (heads, at) => {
      const [key] = keys();
      const keyId = idOf(key);
      await keep(keyId, key);
      return heads.map((head) => ({
        ...head,
        at,
        keyId,
        signature: signature(key, { ...head, at }).toString("hex"),
      }));
    },
    isSigned: async (head) => {
      const key = await keyOf(head.keyId);
      if (key === undefined) return false;
      const given = Buffer.from(head.signature, "hex");
      const made = signature(key, head);
      return given.length === made.length && timingSafeEqual(given, made);
    },
  };
};

const atOnce = 1000;

/** Signs every head that has moved since it was signed. */
export const signHeads = async (
  heads: AuditHeads,
  signer: Pick<HeadSigner, "sign">,
  now: () => number,
): Promise<number> => {
  let count = 0;
  let after: string | undefined = undefined;
  do {
    const page: Awaited<ReturnType<AuditHeads["unsigned"]>> = await heads.unsigned(after, atOnce);
    if (page.heads.length > 0) await heads.keep(await signer.sign(page.heads, now()));
    count += page.heads.length;
    after = page.next;
  } while (after !== undefined);
  return count;
};

/** Signs once a minute. Returns what stops it. */
export const startSigning = (
  heads: AuditHeads,
  signer: Pick<HeadSigner, "sign">,
  everyMs: number = 60_000,
): (() => Promise<void>) =>
  // Without a ledger there is nothing that could be signed.
  repeatedly(async () => {
    await signHeads(heads, signer, Date.now);
  }, everyMs);
