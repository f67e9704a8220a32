import { nodeFileSystem } from "../node-file-system.ts";
import type { FileSystemPort } from "../port.ts";

/** How a simulated file system takes names: which are one, and how a new one is stored. */
export interface Naming {
  readonly fold: (name: string) => string;
  readonly store: (name: string) => string;
}

/** HFS+: neither case nor form counts, and names are stored decomposed. */
export const hfs: Naming = {
  fold: (name) => name.normalize("NFD").toLowerCase(),
  store: (name) => name.normalize("NFD"),
};
/** NTFS, APFS by default: names are kept as given, case (and here form) does not count. */
export const ntfs: Naming = { fold: (name) => name.toLowerCase(), store: (name) => name };
/** Normalises to NFC and keeps case. */
export const composing: Naming = {
  fold: (name) => name.normalize("NFC"),
  store: (name) => name.normalize("NFC"),
};

/** A file system that folds names, over the real one. */
export const foldingFileSystem = (naming: Naming): FileSystemPort => {
  const real = async (path: string): Promise<string> => {
    let at = "";
    for (const name of path.split("/").slice(1)) {
      const entries = await nodeFileSystem.readdir(at === "" ? "/" : at).catch(() => []);
      const same = entries.find(
        (entry) => entry.name !== undefined && naming.fold(entry.name) === naming.fold(name),
      );
      const exact = entries.find((entry) => entry.name === name);
      at = `${at}/${exact?.name ?? same?.name ?? naming.store(name)}`;
    }
    return at;
  };
  const one =
    <A extends readonly unknown[], R>(call: (path: string, ...rest: A) => Promise<R>) =>
    async (path: string, ...rest: A): Promise<R> =>
      call(await real(path), ...rest);
  const two =
    <R>(call: (from: string, to: string) => Promise<R>) =>
    async (from: string, to: string): Promise<R> =>
      call(await real(from), await real(to));
  const fs = nodeFileSystem;
  return {
    realpath: one(fs.realpath),
    lstat: one(fs.lstat),
    readdir: one(fs.readdir),
    open: one(fs.open),
    mkdir: one(fs.mkdir),
    chmod: one(fs.chmod),
    rmdir: one(fs.rmdir),
    unlink: one(fs.unlink),
    link: two(fs.link),
    rename: two(fs.rename),
    copyFile: two(fs.copyFile),
    rm: one(fs.rm),
  };
};
