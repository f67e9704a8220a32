import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import {
  link,
  lstat,
  mkdir,
  readdir,
  readFile,
  rename,
  rm,
  stat,
  truncate,
  writeFile,
} from "node:fs/promises";
import { delimiter, join } from "node:path";
import { promisify } from "node:util";

const source = join(import.meta.dirname, "unsynced.c");
/** What stands before the bytes of a file: its modification time. */
const headBytes = 32;
const run = promisify(execFile);
const cache = join(import.meta.dirname, "../../node_modules/.cache/bulkhead/shim");

/** Whether there is a compiler to make the library with. */
export const hasCompiler = (): boolean =>
  process.platform === "linux" &&
  (process.env["PATH"] ?? "").split(delimiter).some((folder) => existsSync(join(folder, "cc")));

let made: Promise<string> | undefined;
/** Makes the library, once for a source, and answers its path; those who ask meanwhile wait for it. */
const library = (): Promise<string> => (made ??= make());

const make = async (): Promise<string> => {
  const digest = createHash("sha256")
    .update(await readFile(source))
    .digest("hex");
  const file = join(cache, `unsynced-${digest.slice(0, 12)}.so`);
  if (existsSync(file)) return file;
  await mkdir(cache, { recursive: true });
  const part = `${file}.${process.pid}`;
  await run("cc", ["-shared", "-fPIC", "-O1", "-Wall", "-o", part, source]);
  await rename(part, file);
  return file;
};

/** A folder on a disk that forgets what was not synced when its power fails. */
export interface UnsyncedDisk {
  readonly root: string;
  /** What a process has to have in its environment for its syncs to count. */
  readonly env: Readonly<Record<string, string>>;
  /** Makes the folder what was synced of it, as of now. Nobody may use it meanwhile. */
  readonly powerLoss: () => Promise<void>;
}

interface Listed {
  readonly kind: "f" | "d";
  readonly inode: string;
  readonly birth: string;
  readonly name: string;
}

/** `folder/disk` becomes the disk: what is there now is durable. */
export const unsyncedDisk = async (folder: string): Promise<UnsyncedDisk> => {
  const root = join(folder, "disk");
  const state = join(folder, "synced");
  const pool = join(folder, "pool");
  await mkdir(root, { recursive: true });

  /** Takes what is there for durable. */
  const settle = async (): Promise<void> => {
    await rm(state, { recursive: true, force: true });
    for (const name of ["keep", "data", "dirs"])
      await mkdir(join(state, name), { recursive: true });
    const visit = async (path: string): Promise<void> => {
      const lines: string[] = [];
      for (const entry of await readdir(path, { withFileTypes: true })) {
        const inner = join(path, entry.name);
        const found = await lstat(inner, { bigint: true });
        if (entry.isDirectory()) {
          lines.push(`d ${found.ino} ${found.birthtimeNs} ${entry.name}\0`);
          await visit(inner);
        } else if (entry.isFile()) {
          lines.push(`f ${found.ino} 0 ${entry.name}\0`);
          const head = Buffer.from(String(found.mtimeNs).padEnd(headBytes));
          const keep = join(state, "keep", String(found.ino));
          // A file that was moved may lie at both ends.
          if (!existsSync(keep)) await link(inner, keep);
          await writeFile(
            join(state, "data", String(found.ino)),
            Buffer.concat([head, await readFile(inner)]),
          );
        }
      }
      const { ino, birthtimeNs } = await stat(path, { bigint: true });
      await writeFile(join(state, "dirs", `${ino}-${birthtimeNs}`), lines.join(""));
    };
    await visit(root);
  };

  const listing = async (path: string): Promise<readonly Listed[]> => {
    const { ino, birthtimeNs } = await stat(path, { bigint: true });
    const file = join(state, "dirs", `${ino}-${birthtimeNs}`);
    if (!existsSync(file)) return [];
    return (await readFile(file, "utf8"))
      .split("\0")
      .slice(0, -1)
      .map((line) => {
        const [kind, inode = "", birth = "", ...name] = line.split(" ");
        return { kind: kind === "d" ? "d" : "f", inode, birth, name: name.join(" ") };
      });
  };

  /** Takes everything out of a directory, into one place where it goes by its inode. */
  const empty = async (path: string): Promise<void> => {
    for (const entry of await readdir(path, { withFileTypes: true })) {
      const inner = join(path, entry.name);
      const { ino, birthtimeNs } = await lstat(inner, { bigint: true });
      if (entry.isDirectory()) {
        await empty(inner);
        await rename(inner, join(pool, `${ino}-${birthtimeNs}`));
      } else await rename(inner, join(pool, String(ino)));
    }
  };

  /** Lays a file as it was last synced, empty if it never was: the same inode wherever there is one. */
  const layFile = async (inode: string, path: string): Promise<void> => {
    const [keep, data] = [join(state, "keep", inode), join(state, "data", inode)];
    if (existsSync(keep)) await link(keep, path);
    else if (existsSync(join(pool, inode))) await link(join(pool, inode), path);
    if (!existsSync(data)) {
      await (existsSync(path) ? truncate(path) : writeFile(path, ""));
      return;
    }
    const synced = await readFile(data);
    const [head, content] = [synced.subarray(0, headBytes), synced.subarray(headBytes)];
    const ns = BigInt(head.toString().trim());
    const { mtimeNs } = await stat(path, { bigint: true });
    if (mtimeNs === ns && content.equals(await readFile(path))) return;
    // Into the inode that is there, never another in its place.
    await writeFile(path, content);
    const billion = 1_000_000_000n;
    const time = `@${ns / billion}.${String(ns % billion).padStart(9, "0")}`;
    await run("touch", ["-m", "-d", time, path]);
  };

  const lay = async (path: string): Promise<void> => {
    for (const { kind, inode, birth, name } of await listing(path)) {
      const inner = join(path, name);
      if (kind === "f") await layFile(inode, inner);
      else {
        const old = join(pool, `${inode}-${birth}`);
        await (existsSync(old) ? rename(old, inner) : mkdir(inner));
        await lay(inner);
      }
    }
  };

  await settle();
  return {
    root,
    env: { LD_PRELOAD: await library(), UNSYNCED_ROOT: root, UNSYNCED_STATE: state },
    powerLoss: async () => {
      await mkdir(pool);
      await empty(root);
      await lay(root);
      await rm(pool, { recursive: true, force: true });
      await settle();
    },
  };
};
