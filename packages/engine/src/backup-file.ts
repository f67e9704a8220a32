import { createHash } from "node:crypto";
import { constants } from "node:fs";
import { open, readdir } from "node:fs/promises";
import { join } from "node:path";

/** A file that was copied. */
export interface CopiedFile {
  readonly size: number;
  /** In hex. */
  readonly sha256: string;
  /** Milliseconds since the epoch. */
  readonly modifiedAt: number;
  readonly mode: number;
}

const chunk = 1 << 18;

/** Copies one file, digesting it, and returns once the copy survives power loss. What is at `to` already is refused. */
export const copyFileSynced = async (
  from: string,
  to: string,
  signal: AbortSignal,
): Promise<CopiedFile> => {
  const source = await open(from, constants.O_RDONLY | constants.O_NOFOLLOW);
  try {
    const { mode, mtimeMs } = await source.stat();
    const target = await open(to, "wx", mode & 0o777);
    try {
      const hash = createHash("sha256");
      const buffer = Buffer.allocUnsafe(chunk);
      let size = 0;
      for (;;) {
        signal.throwIfAborted();
        const { bytesRead } = await source.read(buffer, 0, chunk);
        if (bytesRead === 0) break;
        const bytes = buffer.subarray(0, bytesRead);
        hash.update(bytes);
        await target.writeFile(bytes);
        size += bytesRead;
      }
      await target.utimes(mtimeMs / 1000, mtimeMs / 1000);
      await target.sync();
      return { size, sha256: hash.digest("hex"), modifiedAt: mtimeMs, mode: mode & 0o777 };
    } finally {
      await target.close();
    }
  } finally {
    await source.close();
  }
};

/** The SHA-256 of a file, in hex. */
export const digestOf = async (file: string, signal: AbortSignal): Promise<string> => {
  const source = await open(file, constants.O_RDONLY | constants.O_NOFOLLOW);
  try {
    const hash = createHash("sha256");
    const buffer = Buffer.allocUnsafe(chunk);
    for (;;) {
      signal.throwIfAborted();
      const { bytesRead } = await source.read(buffer, 0, chunk);
      if (bytesRead === 0) return hash.digest("hex");
      hash.update(buffer.subarray(0, bytesRead));
    }
  } finally {
    await source.close();
  }
};

/** Makes the entries of a folder survive power loss. */
export const syncFolder = async (folder: string): Promise<void> => {
  const handle = await open(folder, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
};

/** True for what a file system says of a name that is not there. */
export const isMissing = (error: unknown): boolean =>
  error instanceof Error &&
  "code" in error &&
  (error.code === "ENOENT" || error.code === "ENOTDIR");

/** Makes the entries of a folder, and of every folder in it, survive power loss. */
export const syncFoldersBelow = async (folder: string): Promise<void> => {
  const entries = await readdir(folder, { withFileTypes: true });
  for (const entry of entries)
    if (entry.isDirectory()) await syncFoldersBelow(join(folder, entry.name));
  await syncFolder(folder);
};
