import type { FileHandlePort, FileSystemPort } from "../port.ts";

/** Sees every call before it is made; what it throws, the call rejects with, unmade. */
export type Observer = (call: string, ...paths: readonly string[]) => void;

/** The same file system, every call shown to `see` first. */
export const observed = (fs: FileSystemPort, see: Observer): FileSystemPort => {
  const handleOf = (handle: FileHandlePort, path: string): FileHandlePort => {
    const first =
      <A extends readonly unknown[], R>(name: string, call: (...args: A) => Promise<R>) =>
      async (...args: A): Promise<R> => {
        see(name, path);
        return call(...args);
      };
    return {
      stat: first("fstat", handle.stat),
      read: first("read", handle.read),
      write: first("write", handle.write),
      touch: first("touch", handle.touch),
      datasync: first("datasync", handle.datasync),
      sync: first("sync", handle.sync),
      close: async () => {
        try {
          see("close", path);
        } finally {
          // A crash or a failing close leaves no descriptor behind in the test.
          await handle.close();
        }
      },
    };
  };
  const one =
    <A extends readonly [string, ...unknown[]], R>(
      name: string,
      call: (...args: A) => Promise<R>,
    ) =>
    async (...args: A): Promise<R> => {
      see(name, ...args.filter((arg) => typeof arg === "string"));
      return call(...args);
    };
  return {
    realpath: one("realpath", fs.realpath),
    lstat: one("lstat", fs.lstat),
    readdir: one("readdir", fs.readdir),
    open: async (path, as) => {
      see(`open-${as}`, path);
      return handleOf(await fs.open(path, as), path);
    },
    mkdir: one("mkdir", fs.mkdir),
    chmod: one("chmod", fs.chmod),
    rmdir: one("rmdir", fs.rmdir),
    unlink: one("unlink", fs.unlink),
    link: one("link", fs.link),
    rename: one("rename", fs.rename),
    copyFile: one("copyFile", fs.copyFile),
    rm: one("rm", fs.rm),
  };
};
