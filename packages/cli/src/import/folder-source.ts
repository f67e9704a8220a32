import { type BigIntStats, type Dirent } from "node:fs";
import { lstat, open, readdir, rmdir, unlink } from "node:fs/promises";
import { join, resolve } from "node:path";
import { nameFault } from "@bulkhead/contract";
import { UsageError } from "../failure.ts";
import type { ImportSource, SourceEntry, Unfit } from "./source.ts";

const chunkBytes = 262_144;

/** Changes whenever a local file does. */
export const stampOf = ({ dev, ino, size, mtimeNs }: BigIntStats): string =>
  `${dev}:${ino}:${size}:${mtimeNs}`;

export const isMissing = (error: unknown): boolean =>
  error instanceof Error && "code" in error && error.code === "ENOENT";

const kindOf = (entry: Dirent<Buffer>): string => {
  if (entry.isSymbolicLink()) return "a symbolic link";
  if (entry.isFIFO()) return "a pipe";
  if (entry.isSocket()) return "a socket";
  return "a device";
};

async function* walk(
  folder: string,
  below: readonly string[],
  unfit: (what: Unfit) => void,
): AsyncGenerator<SourceEntry> {
  const entries = await readdir(folder, { withFileTypes: true, encoding: "buffer" });
  entries.sort((a, b) => a.name.compare(b.name));
  if (entries.length === 0 && below.length > 0) yield { below, kind: "empty", size: 0, stamp: "" };
  for (const entry of entries) {
    const name = entry.name.toString();
    const spelled = join(folder, name);
    const fault = Buffer.from(name).equals(entry.name) ? nameFault(name) : "Its name is not UTF-8.";
    if (fault !== undefined) unfit({ spelled, why: fault });
    else if (entry.isDirectory()) yield* walk(spelled, [...below, name], unfit);
    else if (entry.isFile()) {
      const stats = await lstat(spelled, { bigint: true });
      const size = Number(stats.size);
      yield { below: [...below, name], kind: "file", size, stamp: stampOf(stats) };
    } else unfit({ spelled, why: `This is ${kindOf(entry)}, and neither a file nor a directory.` });
  }
}

/** Removes what is empty, the deepest first; true if the folder itself is empty then. */
const tidied = async (folder: string): Promise<boolean> => {
  let empty = true;
  for (const entry of await readdir(folder, { withFileTypes: true }))
    if (entry.isDirectory() && (await tidied(join(folder, entry.name))))
      await rmdir(join(folder, entry.name));
    else empty = false;
  return empty;
};

/**
 * A folder of this machine. Links are not followed. Rejects with a `UsageError` for anything else, but with `absent` for
 * what is not there.
 */
export const folderSource = async (
  cwd: string,
  given: string,
  absent = false,
): Promise<ImportSource> => {
  const root = resolve(cwd, given);
  const stats = await lstat(root).catch((error: unknown) => {
    if (!isMissing(error)) throw error;
    if (absent) return undefined;
    throw new UsageError(`there is no folder '${given}'`);
  });
  if (stats?.isDirectory() === false)
    throw new UsageError(`'${given}' is not a folder; put takes files`);
  const at = (below: readonly string[]): string => join(root, ...below);

  return {
    name: `folder:${root}`,
    spelled: at,
    holds: () => false,
    entries: (unfit) => walk(root, [], unfit),
    open: async (below, use) => {
      const file = await open(at(below));
      try {
        const before = await file.stat({ bigint: true });
        const size = Number(before.size);
        async function* data(): AsyncGenerator<Uint8Array> {
          let total = 0;
          for (;;) {
            const length = Math.min(chunkBytes, size - total + 1);
            const { bytesRead, buffer } = await file.read(new Uint8Array(length), 0, length, null);
            if (bytesRead === 0) break;
            total += bytesRead;
            if (total > size) break;
            yield buffer.subarray(0, bytesRead);
          }
          const after = await file.stat({ bigint: true });
          if (total !== size || stampOf(after) !== stampOf(before))
            throw new Error("the file changed while it was read; run the command again");
        }
        return await use({ size, data: data(), stamp: stampOf(before) });
      } finally {
        await file.close();
      }
    },
    remove: async (below, stamp) => {
      try {
        if (stampOf(await lstat(at(below), { bigint: true })) !== stamp) return false;
        await unlink(at(below));
        return true;
      } catch (error) {
        if (isMissing(error)) return false;
        throw error;
      }
    },
    tidy: async () => void (await tidied(root)),
    close: () => Promise.resolve(),
  };
};
