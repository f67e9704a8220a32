import { randomBytes } from "node:crypto";
import { isDiskFault } from "./disk-fault.ts";
import type { FileSystemPort } from "./port.ts";

/** Which names a file system takes for one, and how it spells what it stores. */
export interface Folding {
  readonly foldsCase: boolean;
  readonly foldsForms: boolean;
  /** The Unicode form that names are rewritten to; undefined where they are kept as given. */
  readonly rewritesTo: "NFC" | "NFD" | undefined;
  /** Hard links can be made. */
  readonly links: boolean;
}

const exists = async (fs: FileSystemPort, path: string): Promise<boolean> => {
  try {
    await fs.lstat(path);
    return true;
  } catch (error) {
    if (isDiskFault(error, "ENOENT")) return false;
    throw error;
  }
};

const canLink = async (fs: FileSystemPort, from: string, to: string): Promise<boolean> => {
  try {
    await fs.link(from, to);
  } catch (error) {
    if (isDiskFault(error, "EPERM", "EOPNOTSUPP", "ENOTSUP", "ENOSYS", "EMLINK")) return false;
    throw error;
  }
  await fs.unlink(to);
  return true;
};

/** Finds out by trying, with two files in `directory` that are gone afterwards. */
export const detectFolding = async (fs: FileSystemPort, directory: string): Promise<Folding> => {
  const stem = `probe-${randomBytes(8).toString("hex")}`;
  const composed = `${stem}-\u00e9`;
  const decomposed = `${stem}-e\u0301`;
  const made: string[] = [];
  const make = async (name: string): Promise<void> => {
    const handle = await fs.open(`${directory}/${name}`, "create");
    made.push(name);
    await handle.close();
  };
  try {
    await make(composed);
    const names = (await fs.readdir(directory)).map((entry) => entry.name);
    const foldsCase = await exists(fs, `${directory}/${composed.toUpperCase()}`);
    const foldsForms = await exists(fs, `${directory}/${decomposed}`);
    const links = await canLink(fs, `${directory}/${composed}`, `${directory}/${stem}-link`);
    let rewritesTo: Folding["rewritesTo"];
    if (!names.includes(composed)) rewritesTo = "NFD";
    else if (!foldsForms) {
      await make(decomposed);
      if (!(await fs.readdir(directory)).some((entry) => entry.name === decomposed))
        rewritesTo = "NFC";
    } else {
      await fs.unlink(`${directory}/${made.pop() ?? composed}`);
      await make(decomposed);
      if (!(await fs.readdir(directory)).some((entry) => entry.name === decomposed))
        rewritesTo = "NFC";
    }
    return { foldsCase, foldsForms, rewritesTo, links };
  } finally {
    for (const name of made) await fs.rm(`${directory}/${name}`);
  }
};

/** True where two spellings can be one file, so that a lookup has to compare the spelling on disk. */
export const folds = (folding: Folding): boolean =>
  folding.foldsCase || folding.foldsForms || folding.rewritesTo !== undefined;

/** Spells alike at least what the file system takes for one name; more of it only makes locks wider. */
export const foldKey = (folding: Folding): ((path: string) => string) =>
  folds(folding) ? (path) => path.normalize("NFKD").toUpperCase().toLowerCase() : (path) => path;

/** True if `name` is stored as it is spelled. */
export const keepsName = (folding: Folding, name: string): boolean =>
  folding.rewritesTo === undefined || name.normalize(folding.rewritesTo) === name;
