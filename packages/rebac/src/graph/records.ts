/**
 * Rows of eight 32-bit fields in chunks, so that a million of them are a few hundred objects to the collector and
 * growing never copies more than one chunk.
 */
export interface Records {
  readonly chunks: Int32Array[];
  /** The first row that was never used. */
  next: number;
  /** Head of the list of freed rows, linked by their first field; `none` if there is none. */
  freed: number;
  live: number;
}

/** What stands in a field that points at no row. */
export const none = -1;

const chunkBits = 12;
const chunkRows = 1 << chunkBits;
const chunkMask = chunkRows - 1;
const firstRows = 16;

export const records = (): Records => ({ chunks: [], next: 0, freed: none, live: 0 });

export const get = (rows: Records, row: number, field: number): number =>
  rows.chunks[row >>> chunkBits]![((row & chunkMask) << 3) | field]!;

export const set = (rows: Records, row: number, field: number, value: number): void => {
  rows.chunks[row >>> chunkBits]![((row & chunkMask) << 3) | field] = value;
};

/** Where a row lies, for whoever reads several fields of it: field `f` is `chunkOf(rows, row)[placeIn(row) | f]`. */
export const chunkOf = (rows: Records, row: number): Int32Array => rows.chunks[row >>> chunkBits]!;
export const placeIn = (row: number): number => (row & chunkMask) << 3;

const makeRoom = (rows: Records, row: number): void => {
  const { chunks } = rows;
  const chunk = row >>> chunkBits;
  const held = chunks[chunk];
  if (held === undefined) {
    // A small tenant pays for a small first chunk.
    chunks[chunk] = new Int32Array((chunk === 0 ? firstRows : chunkRows) << 3);
    return;
  }
  if ((row & chunkMask) << 3 < held.length) return;
  const wider = new Int32Array(held.length << 1);
  wider.set(held);
  chunks[chunk] = wider;
};

/** Takes a row; its fields hold whatever they held. */
export const allocate = (rows: Records): number => {
  rows.live += 1;
  if (rows.freed !== none) {
    const row = rows.freed;
    rows.freed = get(rows, row, 0);
    return row;
  }
  const row = rows.next;
  makeRoom(rows, row);
  rows.next += 1;
  return row;
};

export const release = (rows: Records, row: number): void => {
  rows.live -= 1;
  set(rows, row, 0, rows.freed);
  rows.freed = row;
};

export const bytesOf = (rows: Records): number =>
  rows.chunks.reduce((sum, chunk) => sum + chunk.byteLength + 96, 64);
