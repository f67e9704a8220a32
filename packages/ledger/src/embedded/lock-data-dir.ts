import { randomBytes } from "node:crypto";
import { link, mkdir, readFile, readdir, realpath, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { FileError } from "@bulkhead/contract";
import { isRunning, processStart } from "./process-start.ts";

export interface DataDirLock {
  /** Lets the next one in. Resolves at once if it was released already. */
  release(): Promise<void>;
}

interface Holder {
  readonly pid: number;
  readonly mark: string;
}

/**
 * Locks a data folder for this process, until it releases it or ends, however it ends. `conflict`,
 * naming the pid, while a live process holds it. The folder is made where it is missing.
 *
 * The lock is the highest-numbered file in `<dataDir>/lock`. It is taken by making the next number,
 * which only one can, and its file is never removed by a release but said to be free: so a number
 * is not used again, and a lock left by a dead process is taken over without a moment in which two
 * could take it. Holds between processes that see each other's pids, thus not between containers.
 */
export async function lockDataDir(dataDir: string): Promise<DataDirLock> {
  await mkdir(dataDir, { recursive: true, mode: 0o700 });
  const folder = join(await realpath(dataDir), "lock");
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const own = await processStart(process.pid);
  const holder: Holder = { pid: process.pid, mark: own?.mark ?? "" };
  const staged = join(folder, `staged-${process.pid}-${randomBytes(6).toString("hex")}`);
  await writeFile(staged, JSON.stringify(holder), { mode: 0o600 });
  try {
    for (;;) {
      const highest = await highestOf(folder);
      await refuseIfHeld(folder, highest, dataDir);
      const number = highest + 1;
      if (!(await linked(staged, join(folder, String(number))))) continue;
      // The number may have been taken, released and removed since the look: then a higher one counts.
      if ((await highestOf(folder)) !== number) {
        await rm(join(folder, String(number)));
        continue;
      }
      await removeBelow(folder, number);
      return lock(folder, number);
    }
  } finally {
    await rm(staged, { force: true });
  }
}

function lock(folder: string, number: number): DataDirLock {
  let released: Promise<void> | undefined;
  const free = async (): Promise<void> => {
    const staged = join(folder, `free-${process.pid}-${randomBytes(6).toString("hex")}`);
    await writeFile(staged, "free", { mode: 0o600 });
    await rename(staged, join(folder, String(number)));
  };
  return { release: () => (released ??= free()) };
}

/** Finds the process that holds a data folder now, and takes nothing; undefined where none does. */
export async function dataDirHolder(dataDir: string): Promise<number | undefined> {
  const folder = join(dataDir, "lock");
  const numbers = await numbersOf(folder).catch(() => []);
  return (await liveHolder(folder, Math.max(0, ...numbers)))?.pid;
}

async function liveHolder(folder: string, number: number): Promise<Holder | undefined> {
  const text = await readFile(join(folder, String(number)), "utf8").catch(() => "free");
  const holder = parse(text);
  return holder !== undefined && (await isRunning(holder.pid, holder.mark)) ? holder : undefined;
}

async function refuseIfHeld(folder: string, number: number, dataDir: string): Promise<void> {
  const holder = await liveHolder(folder, number);
  if (holder === undefined) return;
  throw new FileError(
    "conflict",
    `${dataDir} is in use by the server with pid ${holder.pid}: stop that one, or give another --data-dir.`,
    { retry: "never" },
  );
}

function parse(text: string): Holder | undefined {
  if (text === "free") return undefined;
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value !== "object" || value === null || !("pid" in value) || !("mark" in value))
      return undefined;
    const { pid, mark } = value;
    return typeof pid === "number" && typeof mark === "string" ? { pid, mark } : undefined;
  } catch {
    return undefined; // torn by a power cut, so nobody who wrote it lives
  }
}

async function numbersOf(folder: string): Promise<readonly number[]> {
  return (await readdir(folder)).filter((name) => /^\d+$/.test(name)).map(Number);
}

async function highestOf(folder: string): Promise<number> {
  return Math.max(0, ...(await numbersOf(folder)));
}

async function linked(from: string, to: string): Promise<boolean> {
  try {
    await link(from, to);
    return true;
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "EEXIST") return false;
    throw error;
  }
}

async function removeBelow(folder: string, number: number): Promise<void> {
  for (const lower of await numbersOf(folder)) {
    if (lower < number) await rm(join(folder, String(lower)), { force: true });
  }
}
