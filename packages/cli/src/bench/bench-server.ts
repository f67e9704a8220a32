import { randomBytes } from "node:crypto";
import type { Place } from "../place.ts";
import { pool } from "../pool.ts";
import { joined } from "../relative.ts";
import { type BenchRow, type RowOptions, runRow } from "./run-row.ts";

export interface BenchOptions {
  readonly seconds: number;
  /** The most requests of a kind, however fast they are. */
  readonly most: number;
  readonly callers: number;
  /** Of the large file. */
  readonly size: number;
  readonly signal: AbortSignal | undefined;
}

const smallBytes = 4096;
/** Names that small writes take turns with, so that their number does not grow. */
const writtenNames = 256;
const readNames = 32;
const listedNames = 200;
const largeRounds = 3;
const chunkBytes = 1024 * 1024;

async function* numbers(count: number): AsyncGenerator<number> {
  for (let i = 0; i < count; i++) yield i;
}

async function* content(size: number): AsyncGenerator<Uint8Array> {
  const chunk = randomBytes(Math.min(size, chunkBytes));
  for (let left = size; left > 0; left -= chunk.length) yield chunk.subarray(0, left);
}

/**
 * Measures a server through its front door: kinds of requests one after another, for so long each, all below one
 * directory of its own, which is removed however it ends. Yields each row as it is there.
 */
export async function* benchServer(
  { remote, path }: Pick<Place, "remote" | "path">,
  { seconds, most, callers, size, signal }: BenchOptions,
): AsyncGenerator<BenchRow> {
  const folder = joined(path, `bulkhead-bench-${randomBytes(6).toString("hex")}`);
  const at = (name: string): string => `${folder}/${name}`;
  const small = new Uint8Array(randomBytes(smallBytes));
  const row = (
    name: string,
    act: (turn: number) => Promise<unknown>,
    extra: Partial<Pick<RowOptions, "bytes" | "callers" | "most">> = {},
  ): Promise<BenchRow> => {
    const options = { name, callers, ms: seconds * 1000, most, bytes: 0, signal, ...extra };
    return runRow(options, act);
  };

  /** What is measured later has to be there: the first refusal ends it. */
  const fill = (count: number, act: (i: number) => Promise<unknown>): Promise<void> =>
    pool(numbers(count), callers, async (i) => void (await act(i)));

  // Alone: a server that refuses the first is not asked a hundred times.
  await remote.mkdir(folder, { signal });
  try {
    yield await row("round trip", () => remote.health({ signal }));
    yield await row(
      "write 4 KiB",
      (turn) => remote.writeFile(at(`w/${turn % writtenNames}`), small, { signal }),
      { bytes: smallBytes },
    );
    await fill(readNames, (i) => remote.writeFile(at(`r/${i}`), small, { signal }));
    yield await row(
      "read 4 KiB",
      (turn) => remote.readFile(at(`r/${turn % readNames}`), { signal }),
      { bytes: smallBytes },
    );
    yield await row("stat", (turn) => remote.stat(at(`r/${turn % readNames}`), { signal }));
    await fill(listedNames, (i) => remote.writeFile(at(`l/${i}`), "", { signal }));
    yield await row(`list ${listedNames}`, () => remote.readdir(at("l"), { signal }));

    const large = { callers: 1, most: largeRounds, bytes: size };
    const mib = `${Math.round(size / 1024 ** 2)} MiB`;
    yield await row(
      `upload ${mib}`,
      () => remote.writeFile(at("large"), content(size), { size, signal }),
      large,
    );
    yield await row(
      `download ${mib}`,
      async () => {
        for await (const _ of await remote.readStream(at("large"), { signal }));
      },
      large,
    );
  } finally {
    // Whatever ended it, and although its own signal may have been aborted.
    await remote.rm(folder, { recursive: true, force: true });
  }
}
