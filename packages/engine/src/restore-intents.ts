import { local } from "@bulkhead/backend-local";
import {
  type Backend,
  type BackendPath,
  FileError,
  isFileError,
  type OpContext,
  type Recovery,
} from "@bulkhead/contract";
import { plainContext } from "@bulkhead/kit";
import { type LedgerDump, openLedger } from "@bulkhead/ledger";
import { sweep } from "@bulkhead/settle";
import type { Target } from "./restore-content.ts";

/**
 * Settles what was under way on plain folders when the ledger was backed up. Their own recovery knows a file by its
 * inode, and a copy has another one: so what happened is told by what is there now.
 */
export const settleRestored = async (
  url: string,
  { fingerprint }: LedgerDump,
  targets: readonly Target[],
): Promise<void> => {
  // A ledger that no server ever opened has nothing under way.
  if (fingerprint === undefined) return;
  const ledger = await openLedger({ url, masterKeyFingerprint: fingerprint });
  try {
    const left = new Set(await ledger.intents.lapsedMounts());
    for (const { mount, folder, marker } of targets) {
      if (!left.has(mount)) continue;
      const backend = await local({
        root: folder,
        marker: marker === undefined ? {} : { expect: marker },
      });
      try {
        const ctx = plainContext({ requestId: "restore" });
        const { accounted, intents } = ledger;
        await sweep(ctx, intents, mount, byPresence(backend), { accounted, backend });
      } finally {
        await backend.close();
      }
    }
  } finally {
    await ledger.close();
  }
};

const byPresence = (backend: Backend): Recovery => {
  const isThere = async (ctx: OpContext, path: BackendPath | undefined): Promise<boolean> => {
    if (path === undefined)
      throw new FileError("invalid-request", "An interrupted operation names its paths.");
    try {
      await backend.stat(ctx, path);
      return true;
    } catch (error) {
      if (isFileError(error, "not-found") || isFileError(error, "not-directory")) return false;
      throw error;
    }
  };
  const happened = async (
    ctx: OpContext,
    { operation, paths: [first, second] }: Parameters<Recovery["recover"]>[1],
  ): Promise<boolean> => {
    switch (operation) {
      case "write":
      case "mkdir":
        return isThere(ctx, first);
      case "copy":
        return isThere(ctx, second);
      case "move":
        return !(await isThere(ctx, first)) && isThere(ctx, second);
      case "remove":
        return !(await isThere(ctx, first));
      case "stat":
      case "read":
      case "list":
        return false;
      default:
        return operation satisfies never;
    }
  };
  return {
    recover: async (ctx, interrupted) => ((await happened(ctx, interrupted)) ? "done" : "undone"),
    sweep: () => Promise.resolve(),
  };
};
