import { readFile, readdir } from "node:fs/promises";

const mib = 1024 * 1024;

/** A process's resident memory in bytes, as the kernel counts it. */
export const residentBytes = async (pid: number): Promise<number> =>
  Number(/^VmRSS:\s+(\d+) kB$/m.exec(await readFile(`/proc/${pid}/status`, "utf8"))?.[1]) * 1024;

/** How many descriptors of each kind a process has open: files by their path, the rest by what they are. */
export const descriptors = async (pid: number): Promise<number> =>
  (await readdir(`/proc/${pid}/fd`)).length;

/** Samples a process's memory every 100 ms while `work` runs; answers the greatest, in MiB. */
export const peakDuring = async (pid: number, work: () => Promise<void>): Promise<number> => {
  let peak = await residentBytes(pid);
  let sampling: Promise<void> = Promise.resolve();
  const timer = setInterval(() => {
    sampling = residentBytes(pid).then((now) => void (peak = Math.max(peak, now)));
  }, 100);
  try {
    await work();
  } finally {
    clearInterval(timer);
    await sampling;
  }
  return Math.round(peak / mib);
};
