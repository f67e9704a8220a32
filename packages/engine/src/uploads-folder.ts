import { randomUUID } from "node:crypto";
import {
  type FileHandle,
  mkdir,
  open,
  readdir,
  readFile,
  rm,
  stat,
  writeFile,
} from "node:fs/promises";
import { join } from "node:path";
import { type Body, FileError, isFileError } from "@bulkhead/contract";
import { isSystemError } from "./is-system-error.ts";

/** Bytes that are written before they are made durable and counted. */
export const windowBytes: number = 16 * 1024 * 1024;
const pieceBytes = 256 * 1024;
/** A file that nobody knows is younger than its row for no longer. */
const orphanMs = 3_600_000;

/** A part on its way into a file. */
export interface Writing {
  readonly write: (chunk: Uint8Array) => Promise<void>;
  readonly sync: () => Promise<void>;
  readonly close: () => Promise<void>;
}

/** Where the bytes of uploads lie until they are committed: a file each, named by its id. */
export interface UploadsFolder {
  /** Names the folder, so that a process with another one can tell. */
  readonly id: string;
  /** Goes on at `offset`; what lies behind it is cut off. */
  readonly begin: (id: string, offset: number) => Promise<Writing>;
  readonly body: (id: string, size: number) => Body;
  readonly remove: (id: string) => Promise<void>;
  /** Removes what `known` does not name. */
  readonly sweep: (
    known: (ids: readonly string[]) => Promise<ReadonlySet<string>>,
  ) => Promise<void>;
}

const full = (error: unknown): FileError =>
  new FileError("unavailable", "The server has no room for uploads at the moment; try again.", {
    cause: error,
    fields: { retryAfter: 30 },
  });

const lost = (): FileError =>
  new FileError("conflict", "What was sent of this upload is gone; begin again.", {
    retry: "never",
  });

const writeAt = async (handle: FileHandle, chunk: Uint8Array, at: number): Promise<void> => {
  for (let from = 0; from < chunk.length;) {
    const { bytesWritten } = await handle.write(chunk, from, chunk.length - from, at + from);
    from += bytesWritten;
  }
};

/** The folder's own name, made by the first process that opens it. */
const named = async (file: string): Promise<string> => {
  try {
    await writeFile(file, randomUUID(), { flag: "wx", mode: 0o600 });
  } catch (error) {
    if (!isSystemError(error, "EEXIST")) throw error;
  }
  return (await readFile(file, "utf8")).trim();
};

/** Opens the folder, and makes it. */
export const uploadsFolder = async (root: string): Promise<UploadsFolder> => {
  await mkdir(root, { recursive: true, mode: 0o700 });
  const id = await named(join(root, ".id"));
  const fileOf = (upload: string): string => join(root, upload);

  async function* content(upload: string, size: number): AsyncGenerator<Uint8Array> {
    const handle = await open(fileOf(upload), "r");
    try {
      for (let at = 0; at < size;) {
        const buffer = new Uint8Array(Math.min(pieceBytes, size - at));
        const { bytesRead } = await handle.read(buffer, 0, buffer.length, at);
        if (bytesRead === 0) throw lost();
        at += bytesRead;
        yield buffer.subarray(0, bytesRead);
      }
    } finally {
      await handle.close();
    }
  }

  return {
    id,
    begin: async (upload, offset) => {
      const handle = await open(fileOf(upload), offset === 0 ? "w" : "r+", 0o600).catch(
        (error: unknown) => {
          throw isSystemError(error, "ENOENT") ? lost() : full(error);
        },
      );
      let at = offset;
      try {
        if ((await handle.stat()).size < offset) throw lost();
        await handle.truncate(offset);
      } catch (error) {
        await handle.close();
        throw isFileError(error) ? error : full(error);
      }
      return {
        write: async (chunk) => {
          try {
            await writeAt(handle, chunk, at);
          } catch (error) {
            throw full(error);
          }
          at += chunk.length;
        },
        sync: async () => {
          await handle.datasync().catch((error: unknown) => {
            throw full(error);
          });
        },
        close: () => handle.close(),
      };
    },
    body: (upload, size) => ({ size, replayable: true, open: () => content(upload, size) }),
    remove: (upload) => rm(fileOf(upload), { force: true }),
    sweep: async (known) => {
      const names = (await readdir(root)).filter((name) => !name.startsWith("."));
      if (names.length === 0) return;
      const there = await known(names);
      for (const name of names) {
        if (there.has(name)) continue;
        const found = await stat(fileOf(name)).catch(() => undefined);
        if (found !== undefined && Date.now() - found.mtimeMs > orphanMs)
          await rm(fileOf(name), { force: true });
      }
    },
  };
};
