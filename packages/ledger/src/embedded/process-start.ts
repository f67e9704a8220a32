import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { promisify } from "node:util";

const run = promisify(execFile);

/** When a process began. A pid comes round again; a pid with its start does not. */
export interface ProcessStart {
  /** Opaque, and equal only for the same process since the same boot. */
  readonly mark: string;
  /** Seconds since the epoch, exact to about a second. */
  readonly at: number;
  /** The boot since which it runs; undefined where the system has no name for it. */
  readonly boot?: string;
}

/** Finds when the process with that pid began; `undefined` when there is none, or only its zombie. */
export async function processStart(pid: number): Promise<ProcessStart | undefined> {
  if (!Number.isSafeInteger(pid) || pid <= 0) return undefined;
  return process.platform === "linux" ? fromProc(pid) : fromPs(pid);
}

/** True while the process that had that mark runs. */
export async function isRunning(pid: number, mark: string): Promise<boolean> {
  return (await processStart(pid))?.mark === mark;
}

// proc(5): the command in parentheses may itself hold spaces and parentheses, so fields are counted
// from the last one; the state is the 3rd field and the start, in ticks of 1/100 s, the 22nd.
async function fromProc(pid: number): Promise<ProcessStart | undefined> {
  const stat = await text(`/proc/${pid}/stat`);
  if (stat === undefined) return undefined;
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  const ticks = fields[19];
  if (ticks === undefined || fields[0] === "Z" || fields[0] === "X") return undefined;
  const boot = (await text("/proc/sys/kernel/random/boot_id"))?.trim() ?? "";
  const booted = /^btime (\d+)$/m.exec((await text("/proc/stat")) ?? "")?.[1] ?? "0";
  const at = Number(booted) + Number(ticks) / 100;
  return { mark: `${boot}/${ticks}`, at, ...(boot !== "" && { boot }) };
}

async function fromPs(pid: number): Promise<ProcessStart | undefined> {
  try {
    const env = { PATH: process.env["PATH"] ?? "/usr/bin:/bin", LC_ALL: "C" };
    const { stdout } = await run("ps", ["-o", "stat=,lstart=", "-p", String(pid)], { env });
    const [, state, started] = /^\s*(\S+)\s+(.+?)\s*$/.exec(stdout) ?? [];
    if (state === undefined || started === undefined || state.startsWith("Z")) return undefined;
    return { mark: started, at: Date.parse(started) / 1000 };
  } catch {
    return undefined; // ps exits with 1 where there is no such process
  }
}

async function text(file: string): Promise<string | undefined> {
  try {
    return await readFile(file, "utf8");
  } catch {
    return undefined;
  }
}
