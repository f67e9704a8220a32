import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { waitFor } from "@bulkhead/harness";

/** Reads which process is the PostgreSQL of a data folder; undefined where none says that it runs. */
export const postmasterOf = async (dataDir: string): Promise<number | undefined> => {
  const file = join(dataDir, "postgres/postmaster.pid");
  const text = await readFile(file, "utf8").catch(() => undefined);
  return text === undefined ? undefined : Number(text.split("\n")[0]);
};

/** Tells whether a process is there, be it one that ended and was not collected yet. */
export const isAlive = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
};

/** Ends what a server left running in its data folder because a test killed it, or failed. */
export const endPostgres = async (dataDir: string): Promise<void> => {
  const pid = await postmasterOf(dataDir);
  if (pid === undefined || !isAlive(pid)) return;
  process.kill(pid, "SIGQUIT");
  await waitFor(() => !isAlive(pid));
};
