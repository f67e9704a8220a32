import { readFile, readdir, readlink } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { isRunning, processStart } from "./process-start.ts";

/** A running postmaster: `mark` keeps its pid from being taken for another process's later. */
export interface Postmaster {
  readonly pid: number;
  readonly mark: string;
}

/** What `postmaster.pid` says. After a crash it still says `ready`: it is a claim, not a fact. */
export interface PostmasterFile {
  readonly pid: number;
  /** Seconds since the epoch. */
  readonly startedAt: number;
  readonly ready: boolean;
}

/** Reads `postmaster.pid` of a cluster: line 1 the pid, 3 the start, 8 the status. */
export async function readPostmasterFile(cluster: string): Promise<PostmasterFile | undefined> {
  let lines: readonly string[];
  try {
    lines = (await readFile(join(cluster, "postmaster.pid"), "utf8")).split("\n");
  } catch {
    return undefined;
  }
  const pid = Number(lines[0]);
  if (!Number.isSafeInteger(pid) || pid <= 0) return undefined;
  return { pid, startedAt: Number(lines[2] ?? 0), ready: lines[7]?.trim() === "ready" };
}

/** Finds the postmaster that runs on a cluster, whoever started it; never a process that only has its pid. */
export async function findPostmaster(cluster: string): Promise<Postmaster | undefined> {
  const file = await readPostmasterFile(cluster);
  if (file === undefined) return undefined;
  const start = await processStart(file.pid);
  if (start === undefined) return undefined;
  // A clock that was set meanwhile moves the start in seconds; its working directory does not move.
  const same = Math.abs(start.at - file.startedAt) <= 5 || (await worksIn(file.pid, cluster));
  return same ? { pid: file.pid, mark: start.mark } : undefined;
}

/** Ends a postmaster and waits for it: clients are disconnected, and after `patience` ms it is ended without a checkpoint. */
export async function stopPostmaster(postmaster: Postmaster, patience = 60_000): Promise<void> {
  const { pid, mark } = postmaster;
  for (const [signal, wait] of [
    ["SIGINT", patience],
    ["SIGQUIT", 10_000],
    ["SIGKILL", 10_000],
  ] as const) {
    if (!(await isRunning(pid, mark))) return;
    try {
      process.kill(pid, signal);
    } catch {
      // It ended between the look and the signal; the next look says so.
    }
    const deadline = performance.now() + wait;
    while (performance.now() < deadline) {
      if (!(await isRunning(pid, mark))) return;
      await sleep(5);
    }
  }
}

/**
 * Ends the processes that a killed postmaster left: they notice by themselves, but one in a long
 * query not before its end. Only where no postmaster runs on the cluster; on Linux alone, elsewhere
 * one has to wait for them.
 */
export async function endOrphans(cluster: string): Promise<void> {
  const entries = await readdir("/proc").catch(() => []);
  for (const pid of entries.map(Number)) {
    if (!Number.isSafeInteger(pid) || pid === process.pid || !(await worksIn(pid, cluster)))
      continue;
    const name = await readFile(`/proc/${pid}/comm`, "utf8").catch(() => "");
    if (name.trim() !== "postgres") continue;
    try {
      process.kill(pid, "SIGQUIT");
    } catch {
      // It ended by itself.
    }
  }
}

async function worksIn(pid: number, cluster: string): Promise<boolean> {
  try {
    return (await readlink(`/proc/${pid}/cwd`)) === cluster;
  } catch {
    return false;
  }
}
