import type { FileStat } from "./port.ts";

/**
 * The ETag of a file: inode, size, modification and change time. Every content this backend stores has an inode of its
 * own while the one before exists, and a modification time that it gives no other content, so ETags differ whenever contents do.
 */
export const etagOf = (stat: FileStat): string =>
  [stat.ino, BigInt(stat.size), stat.mtimeNs, stat.ctimeNs]
    .map((part) => part.toString(36))
    .join("-");

/** What tells one file or directory from every other through renames: the inode and, since inodes are used again, a time. */
export const identityOf = (stat: FileStat): string =>
  `${stat.ino.toString(36)}.${(stat.kind === "directory" ? stat.birthtimeNs : stat.mtimeNs).toString(36)}`;

/** Makes a clock of whole microseconds since the epoch that never gives one twice. */
export const stampClock = (): (() => number) => {
  let last = 0;
  return () => (last = Math.max(Date.now() * 1000, last + 1));
};
