import { type ErrorCode, FileError } from "@bulkhead/contract";
import type { FileHandlePort, FileSystemPort } from "./port.ts";

/** What the file system said no to. Never leaves the package, and keeps no path. */
export class DiskFault extends Error {
  override readonly name = "DiskFault";
  readonly code: string;

  constructor(code: string) {
    super(code);
    this.code = code;
  }
}

/** True for a `DiskFault` of one of the codes. */
export const isDiskFault = (error: unknown, ...codes: readonly string[]): error is DiskFault =>
  error instanceof DiskFault && (codes.length === 0 || codes.includes(error.code));

const answers: Readonly<Record<string, readonly [ErrorCode, string]>> = {
  ENOENT: ["not-found", "There is nothing at this path."],
  // Opened without following: a link is not served.
  ELOOP: ["not-found", "There is nothing at this path."],
  EEXIST: ["already-exists", "Something is at this path already."],
  ENOTDIR: ["not-directory", "A file is not a directory: nothing lies below it."],
  EISDIR: ["is-directory", "This path is a directory."],
  ENOTEMPTY: [
    "not-empty",
    "The directory is not empty; ask for `recursive` to remove what is in it.",
  ],
  ENAMETOOLONG: ["invalid-path", "The path is longer than this storage's file system can keep."],
  ENOSPC: ["unavailable", "The storage's disk is full; nothing was stored."],
  EDQUOT: ["unavailable", "The storage's disk quota is used up; nothing was stored."],
  EFBIG: ["too-large", "The storage's file system cannot keep a file this large."],
  EMFILE: ["unavailable", "The storage has too many files open; try again."],
  ENFILE: ["unavailable", "The storage has too many files open; try again."],
  EROFS: ["unavailable", "The storage's file system can only be read."],
  EXDEV: [
    "unavailable",
    "Another file system is mounted inside this storage; nothing moves into or out of it.",
  ],
};

/** What another try at once meets again, while the rest of the storage works. */
const lasting: readonly string[] = ["ENOSPC", "EDQUOT", "EROFS"];

/** The caller's answer to a fault; any other error is answered as it is. */
export const answerFor = (error: unknown): unknown => {
  if (!(error instanceof DiskFault)) return error;
  const [code, detail] = answers[error.code] ?? [
    "unavailable",
    `The storage failed (${error.code}).`,
  ];
  return new FileError(code, detail, lasting.includes(error.code) ? { retry: "exhausted" } : {});
};

const faultOf = (error: unknown): unknown =>
  error instanceof Error && "code" in error && typeof error.code === "string"
    ? new DiskFault(error.code)
    : error;

const faulting =
  <A extends readonly unknown[], R>(
    call: (...args: A) => Promise<R>,
  ): ((...args: A) => Promise<R>) =>
  async (...args) => {
    try {
      return await call(...args);
    } catch (error) {
      throw faultOf(error);
    }
  };

const faultingHandle = (handle: FileHandlePort): FileHandlePort => ({
  stat: faulting(handle.stat),
  read: faulting(handle.read),
  write: faulting(handle.write),
  touch: faulting(handle.touch),
  datasync: faulting(handle.datasync),
  sync: faulting(handle.sync),
  close: faulting(handle.close),
});

/** The same file system, its failures marked as its own, so that a body's own ENOENT is never taken for the disk's. */
export const withFaults = (fs: FileSystemPort): FileSystemPort => ({
  realpath: faulting(fs.realpath),
  lstat: faulting(fs.lstat),
  readdir: faulting(fs.readdir),
  open: faulting(async (path, as) => faultingHandle(await fs.open(path, as))),
  mkdir: faulting(fs.mkdir),
  chmod: faulting(fs.chmod),
  rmdir: faulting(fs.rmdir),
  unlink: faulting(fs.unlink),
  link: faulting(fs.link),
  rename: faulting(fs.rename),
  copyFile: faulting(fs.copyFile),
  rm: faulting(fs.rm),
});
