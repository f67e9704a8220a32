import type { RemoteContent } from "@bulkhead/client";
import { constants } from "node:fs";
import { type FileHandle, link, lstat, mkdir, open, rename, rm, rmdir } from "node:fs/promises";
import { join } from "node:path";
import { LocalConflict } from "../failure.ts";
import { isThere } from "../import/import-file.ts";
import { isMissing, stampOf } from "../import/folder-source.ts";
import { patiently } from "../import/patiently.ts";
import type { ImportSource } from "../import/source.ts";
import type { Place } from "../place.ts";
import { joined } from "../relative.ts";
import type { Direction, Synced } from "./direction.ts";
import { isPartName, partName } from "./part-file.ts";

interface Ends {
  readonly source: ImportSource;
  readonly target: ImportSource;
  readonly place: Place;
  /** The folder, free of links. */
  readonly root: string;
}

const hasCode = (error: unknown, ...codes: readonly string[]): boolean =>
  error instanceof Error && "code" in error && codes.includes(String(error.code));

const changed = (): LocalConflict =>
  new LocalConflict(
    "something else is there, or it was changed meanwhile; it was left as it is: look, and run the command again",
  );

/** Makes the directories down to `below`, and follows no link on the way. */
const directories = async (root: string, below: readonly string[]): Promise<string> => {
  let folder = root;
  for (const name of below) {
    folder = join(folder, name);
    try {
      await mkdir(folder);
    } catch (error) {
      if (!hasCode(error, "EEXIST")) throw error;
      if (!(await lstat(folder)).isDirectory())
        throw new LocalConflict(
          `${folder} is in the way: it is no directory, and links are not followed`,
          { cause: error },
        );
    }
  }
  return folder;
};

/** Puts what arrived in its place, unless something else is there by now. */
const settle = async (part: string, file: string, before: string | undefined): Promise<void> => {
  if (before === undefined) {
    try {
      await link(part, file);
      return await rm(part);
    } catch (error) {
      if (hasCode(error, "EEXIST")) throw changed();
      // A file system without hard links.
      if (!hasCode(error, "EPERM", "ENOTSUP", "EOPNOTSUPP", "ENOSYS")) throw error;
      if ((await lstat(file).catch(() => undefined)) !== undefined) throw changed();
    }
  } else {
    const now = await lstat(file, { bigint: true }).catch(() => undefined);
    if (now === undefined || stampOf(now) !== before) throw changed();
  }
  await rename(part, file);
};

const append = async (
  file: FileHandle,
  { stream }: RemoteContent,
  from: number,
  seen: (bytes: number) => void,
): Promise<void> => {
  let at = from;
  for await (const chunk of stream) {
    for (let done = 0; done < chunk.length;)
      done += (await file.write(chunk, done, chunk.length - done, at + done)).bytesWritten;
    at += chunk.length;
    seen(chunk.length);
  }
};

/** Opens the file that content arrives in, and no link in its place. */
const openPart = (part: string): Promise<FileHandle> =>
  open(part, constants.O_RDWR | constants.O_CREAT | constants.O_NOFOLLOW, 0o666);

/** From a server to a folder of this machine. What was cut off is gone on with. */
export const downwards = (
  { source, target, root, place: { remote, path } }: Ends,
  signal: AbortSignal | undefined,
): Direction => {
  /** Brings the rest of that content into `file`. */
  const arrive = async (
    file: FileHandle,
    at: string,
    { etag, size }: { readonly etag: string; readonly size: number },
    seen: (bytes: number) => void,
  ): Promise<void> => {
    const { size: there } = await file.stat();
    // Longer is none of ours; nothing is missing where it is as long.
    const from = there > size ? 0 : there;
    if (there > size) await file.truncate(0);
    if (from > 0) seen(from);
    if (from < size) {
      const range = from > 0 ? { range: { start: from } } : {};
      await append(file, await remote.open(at, { signal, ifMatch: etag, ...range }), from, seen);
    }
    await file.sync();
  };

  const fetched = async (
    below: readonly string[],
    content: { readonly etag: string; readonly size: number },
    before: string | undefined,
    seen: (bytes: number) => void,
  ): Promise<Synced> => {
    const name = below.at(-1) ?? "";
    const folder = await directories(root, below.slice(0, -1));
    const part = join(folder, partName(name, content.etag));
    const file = await openPart(part);
    try {
      await arrive(file, joined(path, below.join("/")), content, seen);
    } finally {
      await file.close();
    }
    const place = join(folder, name);
    try {
      await settle(part, place, before);
    } catch (error) {
      await rm(part, { force: true });
      throw error;
    }
    return { source: content.etag, target: stampOf(await lstat(place, { bigint: true })) };
  };

  return {
    action: "download",
    source,
    target,
    isOurs: (below) => isPartName(below.at(-1)),
    transfer: ({ below, stamp, size }, before, seen) =>
      patiently(signal, async () => {
        try {
          return await fetched(below, { etag: stamp, size }, before, seen);
        } catch (error) {
          if (!isThere(error)) throw error;
          // It changed since it was listed: what it is now is what is wanted.
          const now = await remote.stat(joined(path, below.join("/")), { signal });
          return fetched(below, { etag: now.etag ?? "", size: now.size }, before, seen);
        }
      }),
    makeDirectory: async (below) => void (await directories(root, below)),
    removeDirectory: async (below) => {
      try {
        await rmdir(join(root, ...below));
      } catch (error) {
        if (!isMissing(error) && !hasCode(error, "ENOTEMPTY", "EEXIST")) throw error;
      }
    },
  };
};
