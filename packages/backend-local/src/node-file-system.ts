import type { BigIntStats, Dirent } from "node:fs";
import { constants } from "node:fs";
import {
  chmod,
  copyFile,
  type FileHandle,
  link,
  lstat,
  mkdir,
  open,
  readdir,
  realpath,
} from "node:fs/promises";
import { rename, rm, rmdir, unlink } from "node:fs/promises";
import type {
  DirectoryEntry,
  FileHandlePort,
  FileKind,
  FileStat,
  FileSystemPort,
  OpenAs,
} from "./port.ts";

const { COPYFILE_EXCL, COPYFILE_FICLONE } = constants;
const { O_CREAT, O_DIRECTORY, O_EXCL, O_NOFOLLOW, O_NONBLOCK, O_RDONLY, O_RDWR } = constants;

// Without O_NONBLOCK, opening a FIFO that replaced a file would wait for its other end.
const flags = {
  read: O_RDONLY | O_NOFOLLOW | O_NONBLOCK,
  directory: O_RDONLY | O_NOFOLLOW | O_DIRECTORY,
  update: O_RDWR | O_NOFOLLOW | O_NONBLOCK,
  create: O_RDWR | O_NOFOLLOW | O_CREAT | O_EXCL,
} as const satisfies Record<OpenAs, number>;

const kindOf = (entry: BigIntStats | Dirent<Buffer>): FileKind =>
  entry.isFile() ? "file" : entry.isDirectory() ? "directory" : "other";

const statOf = (stats: BigIntStats): FileStat => ({
  kind: kindOf(stats),
  ino: stats.ino,
  size: Number(stats.size),
  mtimeNs: stats.mtimeNs,
  ctimeNs: stats.ctimeNs,
  birthtimeNs: stats.birthtimeNs,
});

const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const entryOf = (entry: Dirent<Buffer>): DirectoryEntry => {
  try {
    return { name: decoder.decode(entry.name), kind: kindOf(entry) };
  } catch {
    return { name: undefined, kind: kindOf(entry) };
  }
};

const handleOf = (handle: FileHandle): FileHandlePort => ({
  stat: async () => statOf(await handle.stat({ bigint: true })),
  read: async (into, position) => (await handle.read(into, 0, into.length, position)).bytesRead,
  write: async (bytes) => (await handle.write(bytes)).bytesWritten,
  touch: (microseconds) => {
    // A double of seconds is off by up to a quarter of a microsecond: aimed at its middle, it stays the same one.
    const seconds = (microseconds + 0.5) / 1e6;
    return handle.utimes(seconds, seconds);
  },
  datasync: () => handle.datasync(),
  sync: () => handle.sync(),
  close: () => handle.close(),
});

/** The machine's file system. Files and directories are made under the process's umask. */
export const nodeFileSystem: FileSystemPort = {
  realpath,
  lstat: async (path) => statOf(await lstat(path, { bigint: true })),
  readdir: async (path) =>
    (await readdir(path, { withFileTypes: true, encoding: "buffer" })).map(entryOf),
  open: async (path, as) => handleOf(await open(path, flags[as], 0o666)),
  mkdir: async (path, mode) => {
    await mkdir(path, { mode });
  },
  chmod,
  rmdir,
  unlink,
  link,
  rename,
  copyFile: (from, to) => copyFile(from, to, COPYFILE_EXCL | COPYFILE_FICLONE),
  rm: (path) => rm(path, { recursive: true, force: true }),
};
