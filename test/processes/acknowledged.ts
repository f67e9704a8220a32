import { type FileHandle, open, readFile } from "node:fs/promises";

/** What one operation makes of the places that it touches: a digest, `directory`, or null for nothing. */
export type Changes = Readonly<Record<string, string | null>>;

interface Line {
  readonly writer: number;
  readonly n: number;
  readonly state: "begun" | "happened" | "did not happen";
  readonly changes?: Changes;
}

/** The record of a crash run, kept in a file that no server knows of. */
export interface Acknowledged {
  readonly begun: (writer: number, n: number, changes: Changes) => Promise<void>;
  /** Resolves when it is on the disk that the operation was answered, or found to have happened or not. */
  readonly settled: (writer: number, n: number, happened: boolean) => Promise<void>;
  /** What the file says: where each writer has to be, and what may have happened beside it. */
  readonly read: () => Promise<ReadonlyMap<number, Expected>>;
  readonly close: () => Promise<void>;
}

export interface Expected {
  readonly places: ReadonlyMap<string, string>;
  /** Begun, never answered. */
  readonly open: { readonly n: number; readonly changes: Changes } | undefined;
}

/** Opens the record. Each line is synced before it counts. */
export const acknowledged = async (file: string): Promise<Acknowledged> => {
  const handle: FileHandle = await open(file, "a");
  const append = async (line: Line): Promise<void> => {
    await handle.appendFile(`${JSON.stringify(line)}\n`);
    await handle.datasync();
  };
  return {
    begun: (writer, n, changes) => append({ writer, n, state: "begun", changes }),
    settled: (writer, n, happened) =>
      append({ writer, n, state: happened ? "happened" : "did not happen" }),
    read: async () => {
      const writers = new Map<number, { places: Map<string, string>; open: Expected["open"] }>();
      for (const text of (await readFile(file, "utf8")).split("\n").slice(0, -1)) {
        // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- written above
        const line = JSON.parse(text) as Line;
        const writer = writers.get(line.writer) ?? { places: new Map(), open: undefined };
        writers.set(line.writer, writer);
        if (line.state === "begun") writer.open = { n: line.n, changes: line.changes ?? {} };
        else {
          if (line.state === "happened") apply(writer.places, writer.open?.changes ?? {});
          writer.open = undefined;
        }
      }
      return writers;
    },
    close: () => handle.close(),
  };
};

/** Makes the changes in `places`. */
export const apply = (places: Map<string, string>, changes: Changes): void => {
  for (const [path, digest] of Object.entries(changes))
    if (digest === null) places.delete(path);
    else places.set(path, digest);
};
