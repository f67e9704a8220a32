import { randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import { hostname } from "node:os";
import type { LeaseHolder } from "@bulkhead/ledger";

const textOf = (file: string): string | undefined => {
  try {
    return readFileSync(file, "utf8").trim();
  } catch {
    return undefined;
  }
};

/** When the process began, in the kernel's own count (proc(5), field 22): a pid that is used again has another one. */
const startTimeOf = (pid: number): string | undefined => {
  const stat = textOf(`/proc/${pid}/stat`);
  // The second field is the command's name in parentheses and may hold anything.
  return stat?.slice(stat.lastIndexOf(")") + 2).split(" ")[19];
};

const boot = textOf("/proc/sys/kernel/random/boot_id");

/** This process. Where the kernel tells no start time, a random one makes it nobody else's. */
export const thisProcess: LeaseHolder = {
  host: hostname(),
  boot: boot ?? "",
  pid: process.pid,
  startTime: startTimeOf(process.pid) ?? randomUUID(),
};

/** True only if that process certainly is no more: it ran on this machine, since this boot, and its pid is gone or another's. */
export const isDead = (holder: LeaseHolder): boolean => {
  if (boot === undefined || holder.host !== thisProcess.host) return false;
  // Another boot of this very machine ended everything that ran before. A host name alone would not show that, since
  // containers copy host names, but they share the boot id of the machine they run on.
  if (holder.boot !== boot) return false;
  return startTimeOf(holder.pid) !== holder.startTime;
};
