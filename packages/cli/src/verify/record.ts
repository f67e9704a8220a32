import { open, readFile } from "node:fs/promises";
import { UsageError } from "../failure.ts";

/** One line of a record: before a write is sent, and once it was acknowledged. */
export interface Entry {
  readonly path: string;
  /** SHA-256 of the content, in hex. */
  readonly digest: string;
  readonly acknowledged: boolean;
}

/** What was written where, in order; of each path one writer at a time. */
export interface WriteRecord {
  /** Resolves once the line is durable. */
  readonly add: (entry: Entry) => Promise<void>;
  readonly entries: () => readonly Entry[];
  readonly close: () => Promise<void>;
}

interface Head {
  readonly tenant: string;
  readonly seed: string;
}

/** Begins a record: in a file, each line synced before it counts, or in memory alone. */
export const beginRecord = async (file: string | undefined, head: Head): Promise<WriteRecord> => {
  const kept: Entry[] = [];
  const handle = file === undefined ? undefined : await open(file, "wx", 0o600);
  let last: Promise<void> = Promise.resolve();
  const line = (value: unknown): Promise<void> => {
    last = last.then(async () => {
      await handle?.appendFile(`${JSON.stringify(value)}\n`);
      await handle?.datasync();
    });
    return last;
  };
  await line(head);
  return {
    add: async (entry) => {
      kept.push(entry);
      await line(entry);
    },
    entries: () => kept,
    close: async () => {
      await last.catch(() => undefined);
      await handle?.close();
    },
  };
};

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null;

const parsed = (line: string): Readonly<Record<string, unknown>> | undefined => {
  try {
    const value: unknown = JSON.parse(line);
    return isRecord(value) ? value : undefined;
  } catch {
    return undefined;
  }
};

/** Reads a record back. A last line that is cut off was never synced, and tells nothing. */
export const readRecord = async (
  file: string,
): Promise<Head & { readonly entries: readonly Entry[] }> => {
  const lines = (await readFile(file, "utf8")).split("\n").map(parsed);
  const [head] = lines;
  if (typeof head?.["tenant"] !== "string" || typeof head["seed"] !== "string")
    throw new UsageError(`${file} is no record of 'verify durability'`);
  return {
    tenant: head["tenant"],
    seed: head["seed"],
    entries: lines.slice(1).flatMap((line) =>
      typeof line?.["path"] === "string" && typeof line["digest"] === "string"
        ? [
            {
              path: line["path"],
              digest: line["digest"],
              acknowledged: line["acknowledged"] === true,
            },
          ]
        : [],
    ),
  };
};

/** By path, what may be there: the last acknowledged, or one that was sent after it. Undefined stands for nothing. */
export const allowed = (
  entries: readonly Entry[],
): ReadonlyMap<string, ReadonlySet<string | undefined>> => {
  const by = new Map<string, Set<string | undefined>>();
  for (const { path, digest, acknowledged } of entries)
    if (acknowledged) by.set(path, new Set([digest]));
    else by.set(path, (by.get(path) ?? new Set([undefined])).add(digest));
  return by;
};
