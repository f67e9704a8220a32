import { randomUUID } from "node:crypto";
import { hostname } from "node:os";
import { isRunning, type LeaseHolder, processStart } from "@bulkhead/ledger";

let holder: Promise<LeaseHolder> | undefined;

/** This process. Where the system does not tell when it began, a random mark makes it nobody else's. */
export const thisProcess = (): Promise<LeaseHolder> => (holder ??= find());

const find = async (): Promise<LeaseHolder> => {
  const started = await processStart(process.pid);
  return {
    host: hostname(),
    boot: started?.boot ?? "",
    pid: process.pid,
    startTime: started?.mark ?? randomUUID(),
  };
};

/**
 * True only if that process certainly is no more: it ran on this machine, since this boot, and its pid is gone or
 * another's. A host name alone would not show that, since containers copy host names; but they share the boot id of
 * the machine they run on.
 */
export const isDead = async ({ host, boot, pid, startTime }: LeaseHolder): Promise<boolean> => {
  const here = await thisProcess();
  if (boot === "" || host !== here.host || boot !== here.boot) return false;
  return !(await isRunning(pid, startTime));
};
