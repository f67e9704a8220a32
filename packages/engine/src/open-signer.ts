import type { Ledger } from "@bulkhead/ledger";
import type { Closers } from "./closers.ts";
import { type HeadSigner, headSigner, startSigning } from "./head-signer.ts";
import type { EngineOptions } from "./open-engine.ts";
import { presentSealer } from "./seal.ts";

/** What signs the heads of audit chains, once a minute, and judges what was signed. */
export const openSigner = (
  { auditKeys, sealKeys }: Pick<EngineOptions, "auditKeys" | "sealKeys">,
  ledger: Ledger,
  opened: Closers,
): HeadSigner | undefined => {
  if (auditKeys === undefined) return undefined;
  const signer = headSigner({
    ledger,
    keys: typeof auditKeys === "function" ? auditKeys : () => auditKeys,
    sealer:
      sealKeys === undefined
        ? undefined
        : presentSealer(typeof sealKeys === "function" ? sealKeys : () => sealKeys),
  });
  opened.add(startSigning(ledger.auditHeads, signer));
  return signer;
};
