import { randomBytes } from "node:crypto";
import { link, open, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { syncFolder } from "./backup-file.ts";
import { makeFolder } from "./make-folder.ts";

/** The secret kept in `<dataDir>/<name>`, made on first use with mode 0600; whole or not at all, whoever is first. */
export const secretFile = async (
  dataDir: string,
  name: string,
  make: () => string,
): Promise<string> => {
  const path = join(dataDir, name);
  const existing = await readSecret(path);
  if (existing !== undefined) return existing;
  await makeFolder(dataDir);
  const temporary = `${path}.${process.pid}.${randomBytes(4).toString("hex")}`;
  const handle = await open(temporary, "wx", 0o600);
  try {
    await handle.writeFile(`${make()}\n`);
    await handle.sync();
  } finally {
    await handle.close();
  }
  try {
    await link(temporary, path);
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "EEXIST")) throw error;
  } finally {
    await rm(temporary);
  }
  // A secret whose name is lost with the power would lock its owner out.
  await syncFolder(dataDir);
  const stored = await readSecret(path);
  if (stored === undefined) throw new Error(`${path} vanished while it was made.`);
  return stored;
};

const readSecret = async (path: string): Promise<string | undefined> => {
  try {
    return (await readFile(path, "utf8")).trim();
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined;
    throw error;
  }
};
