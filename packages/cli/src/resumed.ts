import { createHash } from "node:crypto";
import { mkdir, open, readFile, rm, writeFile } from "node:fs/promises";
import { homedir } from "node:os";
import { dirname, join } from "node:path";
import { NotFoundError, type RemoteFS, type RemoteStats } from "@bulkhead/client";
import type { Terminal } from "./terminal.ts";

export interface ResumedOptions {
  readonly remote: RemoteFS;
  readonly path: string;
  /** The local file's absolute name. */
  readonly file: string;
  readonly env: Terminal["env"];
  readonly signal: AbortSignal | undefined;
  readonly write: Pick<
    NonNullable<Parameters<RemoteFS["uploadFile"]>[2]>,
    "ifMatch" | "flag" | "contentType" | "metadata"
  >;
  /** Told of each stretch that the server has got. */
  readonly seen: (bytes: number) => void;
}

/** Where the ids of uploads are kept that were not finished: `$XDG_STATE_HOME/bulkhead/uploads`. */
const notesFolder = (env: Terminal["env"]): string => {
  const base = env["XDG_STATE_HOME"] ?? "";
  const home = env["HOME"] ?? "";
  const state = base === "" ? join(home === "" ? homedir() : home, ".local", "state") : base;
  return join(state, "bulkhead", "uploads");
};

/**
 * Uploads a file in parts. What was not finished is gone on with by the next call for the same file, unchanged, and the
 * same target.
 */
export const putResumed = async (options: ResumedOptions): Promise<RemoteStats> => {
  const { remote, path, file, env, signal, write } = options;
  const source = await open(file);
  try {
    const stats = await source.stat();
    if (!stats.isFile()) throw new Error("only a file can be sent in parts");
    const { size, mtimeMs, ino } = stats;
    const name = createHash("sha256")
      .update(JSON.stringify([remote.url, path, file, size, mtimeMs, ino]))
      .digest("hex");
    const note = join(notesFolder(env), name);
    const kept = await readFile(note, "utf8").catch(() => undefined);
    const part = async (from: number, to: number): Promise<Uint8Array> => {
      const bytes = new Uint8Array(to - from);
      for (let at = 0; at < bytes.length;) {
        const { bytesRead } = await source.read(bytes, at, bytes.length - at, from + at);
        if (bytesRead === 0) throw new Error("the file changed while it was read");
        at += bytesRead;
      }
      return bytes;
    };
    let told = 0;
    let noted: Promise<void> = Promise.resolve();
    const send = (upload: string | undefined): Promise<RemoteStats> =>
      remote.uploadFile(
        path,
        { size, part },
        {
          ...write,
          signal,
          upload,
          onUpload: (id) => {
            noted = keep(note, id);
            noted.catch(() => undefined);
          },
          onProgress: (sent) => {
            if (sent > told) options.seen(sent - told);
            told = Math.max(told, sent);
          },
        },
      );
    let stat: RemoteStats;
    try {
      stat = await send(kept);
    } catch (error) {
      await noted.catch(() => undefined);
      // What was begun then is over; so the file is sent from its beginning.
      if (kept === undefined || !(error instanceof NotFoundError)) throw error;
      stat = await send(undefined);
    }
    await noted.catch(() => undefined);
    await rm(note, { force: true });
    return stat;
  } finally {
    await source.close();
  }
};

const keep = async (note: string, id: string): Promise<void> => {
  await mkdir(dirname(note), { recursive: true, mode: 0o700 });
  await writeFile(note, id, { mode: 0o600 });
};
