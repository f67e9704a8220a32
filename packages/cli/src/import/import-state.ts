import { createHash } from "node:crypto";
import { type FileHandle, mkdir, open, readFile, rename, rm, writeFile } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";
import type { Terminal } from "../terminal.ts";

/** A file that is at its target, and was read again there. */
export interface Imported {
  /** The names from the top on, joined by slashes. */
  readonly path: string;
  /** What the source's file was when it was read. */
  readonly stamp: string;
  /** The ETag that it got there. */
  readonly etag: string;
}

/** What an import or a sync has done so far, kept in a file, so that another run goes on where one was killed. */
export interface ImportState extends AsyncDisposable {
  readonly file: string;
  readonly get: (path: string) => Imported | undefined;
  readonly size: () => number;
  /** Resolves once it is in the file. */
  readonly add: (imported: Imported) => Promise<void>;
  /** Forgets everything: the import is over. */
  readonly end: () => Promise<void>;
}

type Kind = "imports" | "syncs";

const folderOf = (env: Terminal["env"], kind: Kind): string => {
  const base = env["XDG_STATE_HOME"];
  const home = env["HOME"];
  return join(
    base !== undefined && base !== ""
      ? base
      : join(home === undefined || home === "" ? homedir() : home, ".local", "state"),
    "bulkhead",
    kind,
  );
};

const importedOf = (line: string): Imported | undefined => {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    // The last line of a run that was killed may be a part of one.
    return undefined;
  }
  if (!Array.isArray(value)) return undefined;
  const [path, stamp, etag]: readonly unknown[] = value;
  return typeof path === "string" && typeof stamp === "string" && typeof etag === "string"
    ? { path, stamp, etag }
    : undefined;
};

const lineOf = ({ path, stamp, etag }: Imported): string =>
  `${JSON.stringify([path, stamp, etag])}\n`;

/** Opens the state between that source and that target; `from` and `to` name them the same each time. */
export const openImportState = async (
  env: Terminal["env"],
  from: string,
  to: string,
  kind: Kind = "imports",
): Promise<ImportState> => {
  const folder = folderOf(env, kind);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const name = createHash("sha256").update(`${from}\0${to}`).digest("hex").slice(0, 32);
  const file = join(folder, `${name}.jsonl`);
  const known = new Map<string, Imported>();
  let text = await readFile(file, "utf8").catch(() => "");
  const lines = text.split("\n");
  for (const line of lines) {
    const imported = importedOf(line);
    if (imported !== undefined) known.set(imported.path, imported);
  }
  // What is never ended would grow for ever.
  if (lines.length > 2 * known.size + 100) {
    text = [...known.values()].map(lineOf).join("");
    await writeFile(`${file}.new`, text, { mode: 0o600 });
    await rename(`${file}.new`, file);
  }
  let handle: FileHandle | undefined = await open(file, "a", 0o600);
  // A part of a line must not become a part of the next one.
  if (text !== "" && !text.endsWith("\n")) await handle.appendFile("\n");

  let waiting: string[] = [];
  let writing: Promise<void> = Promise.resolve();
  const flush = (): Promise<void> => {
    if (waiting.length !== 1) return writing;
    writing = writing.then(async () => {
      const lines = waiting.join("");
      waiting = [];
      await handle?.appendFile(lines);
    });
    return writing;
  };
  const close = async (): Promise<void> => {
    const open = handle;
    handle = undefined;
    await open?.close();
  };

  return {
    file,
    get: (path) => known.get(path),
    size: () => known.size,
    add: (imported) => {
      known.set(imported.path, imported);
      waiting.push(lineOf(imported));
      return flush();
    },
    end: async () => {
      await writing;
      await close();
      await rm(file, { force: true });
    },
    [Symbol.asyncDispose]: async () => {
      await writing.catch(() => undefined);
      await close();
    },
  };
};
