import { randomUUID } from "node:crypto";
import { FileError, reservedName } from "@bulkhead/contract";
import { answerFor, isDiskFault, withFaults } from "./disk-fault.ts";
import { nodeFileSystem } from "./node-file-system.ts";
import type { FileSystemPort } from "./port.ts";
import { readExactly, writeAll } from "./transfer.ts";

const limit = 256;

/** Reads the id of the content root at `root`, or undefined where there is none. */
export const readMarker = async (
  root: string,
  fs: FileSystemPort = nodeFileSystem,
): Promise<string | undefined> => {
  const disk = withFaults(fs);
  try {
    const handle = await disk.open(`${root}/${reservedName}/marker`, "read");
    try {
      const { kind, size } = await handle.stat();
      if (kind !== "file" || size > limit) return undefined;
      const id = new TextDecoder().decode(await readExactly(handle, 0, size)).trim();
      return id === "" ? undefined : id;
    } finally {
      await handle.close();
    }
  } catch (error) {
    if (isDiskFault(error, "ENOENT", "ENOTDIR", "ELOOP", "EISDIR")) return undefined;
    throw answerFor(error);
  }
};

/** Writes a new id for the content root whose hidden directory is `hidden`, and answers it. */
export const makeMarker = async (fs: FileSystemPort, hidden: string): Promise<string> => {
  const id = randomUUID();
  const staged = `${hidden}/staging/marker-${id}`;
  const handle = await fs.open(staged, "create");
  try {
    await writeAll(handle, new TextEncoder().encode(`${id}\n`));
    await handle.datasync();
  } finally {
    await handle.close();
  }
  await fs.rename(staged, `${hidden}/marker`);
  return id;
};

/** Throws `unavailable` unless `found` is the id that was expected. */
export const checkMarker = (expected: string, found: string | undefined): void => {
  if (found === expected) return;
  throw new FileError(
    "unavailable",
    found === undefined
      ? "The storage's marker is missing: is its disk mounted?"
      : "The storage's marker is another's: this is not the content that was recorded.",
  );
};
