import { createHash } from "node:crypto";
import { chmod, lstat, mkdir } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { FileError } from "@bulkhead/contract";
import { type Account, giveTo } from "./account.ts";

/** unix(7): `sun_path` has 108 bytes with the NUL, on macOS 104. */
const longest = process.platform === "darwin" ? 103 : 107;

/**
 * Names the folder of a data folder's socket: short however long the data folder's path is, the
 * same at each start, and no other's. `dataDir` is a real path.
 */
export function socketFolder(dataDir: string, temporary: string = tmpdir()): string {
  const name = `bulkhead-${createHash("sha256").update(dataDir).digest("hex").slice(0, 20)}`;
  const folder = join(temporary, name);
  return Buffer.byteLength(join(folder, ".s.PGSQL.5432")) <= longest ? folder : join("/tmp", name);
}

/**
 * Makes that folder, 0700 and the account's. The temporary directory is everybody's, so a folder
 * that is already there and somebody else's is refused as `unavailable`.
 */
export async function makeSocketFolder(folder: string, account: Account): Promise<void> {
  await mkdir(folder, { mode: 0o700 }).catch((error: unknown) => {
    if (!(error instanceof Error && "code" in error && error.code === "EEXIST")) throw error;
  });
  const found = await lstat(folder);
  const ours = new Set([process.getuid?.() ?? 0, account.uid]);
  if (!found.isDirectory() || !ours.has(found.uid)) {
    throw new FileError(
      "unavailable",
      `${folder}, which the embedded PostgreSQL needs for its socket, belongs to somebody else: remove it, or set TMPDIR.`,
      { retry: "never" },
    );
  }
  await giveTo(account, folder);
  await chmod(folder, 0o700);
}
