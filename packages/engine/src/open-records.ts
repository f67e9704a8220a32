import type { Ledger } from "@bulkhead/ledger";
import type { Closers } from "./closers.ts";
import { type HeadSigner, headSigner, startSigning } from "./head-signer.ts";
import type { EngineOptions } from "./engine-options.ts";
import { presentSealer } from "./seal.ts";
import { type RunningMeter, startMetering } from "./start-metering.ts";

/** What signs the heads of audit chains, once a minute, and judges what was signed. */
const openSigner = (
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

/** Opens what is recorded beside commits: reads as they are sent, and signatures of what was recorded. */
export const openRecords = async (
  options: Pick<EngineOptions, "auditKeys" | "sealKeys" | "dataDir" | "log">,
  ledger: Ledger,
  opened: Closers,
): Promise<{ readonly meter: RunningMeter; readonly signer: HeadSigner | undefined }> => {
  const { dataDir, log } = options;
  const meter = await startMetering({ usage: ledger.usage, dataDir, log });
  opened.add(meter.close);
  return { meter, signer: openSigner(options, ledger, opened) };
};
