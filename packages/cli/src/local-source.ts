import { type FileHandle, open } from "node:fs/promises";

/** A local file on its way out. */
export interface LocalSource {
  /** Undefined for a pipe or device. */
  readonly size: number | undefined;
  readonly data: AsyncIterable<Uint8Array>;
}

const chunkBytes = 262_144;

async function* chunksOf(
  file: FileHandle,
  size: number | undefined,
  seen: (bytes: number) => void,
): AsyncGenerator<Uint8Array> {
  let total = 0;
  const changed = (): never => {
    throw new Error("the file changed while it was read; nothing was stored");
  };
  for (;;) {
    const { bytesRead, buffer } = await file.read(new Uint8Array(chunkBytes), 0, chunkBytes, null);
    if (bytesRead === 0) break;
    total += bytesRead;
    if (size !== undefined && total > size) changed();
    yield buffer.subarray(0, bytesRead);
    seen(bytesRead);
  }
  if (size !== undefined && total < size) changed();
}

/** Opens a local file for `use`, and closes it after. Refuses a directory. */
export const withLocalSource = async <T>(
  path: string,
  seen: (bytes: number) => void,
  use: (source: LocalSource) => Promise<T>,
): Promise<T> => {
  const file = await open(path);
  try {
    const stats = await file.stat();
    if (stats.isDirectory())
      throw new Error("this is a directory; -r puts it with all that is in it");
    const size = stats.isFile() ? stats.size : undefined;
    return await use({ size, data: chunksOf(file, size, seen) });
  } finally {
    await file.close();
  }
};
