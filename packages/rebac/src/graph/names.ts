/** Names as UTF-16 units in chunks: no string of its own a name, and none that keeps the path it was cut from alive. */
export interface Names {
  readonly chunks: Uint16Array[];
  next: number;
  /** References of names that are gone, by their length: a name as long takes the place. */
  readonly freed: number[][];
}

const chunkBits = 15;
const chunkUnits = 1 << chunkBits;
const chunkMask = chunkUnits - 1;
const firstUnits = 256;

export const names = (): Names => ({ chunks: [], next: 0, freed: [] });

const makeRoom = (pool: Names, units: number): void => {
  // A name never crosses a chunk's edge.
  if ((pool.next & chunkMask) + units > chunkUnits) pool.next = (pool.next | chunkMask) + 1;
  const chunk = pool.next >>> chunkBits;
  const held = pool.chunks[chunk];
  const wanted = (pool.next & chunkMask) + units;
  if (held !== undefined && wanted <= held.length) return;
  let length = chunk === 0 ? (held?.length ?? firstUnits) : chunkUnits;
  while (length < wanted) length <<= 1;
  const wider = new Uint16Array(length);
  if (held !== undefined) wider.set(held);
  pool.chunks[chunk] = wider;
};

/** Keeps `text` from `from` to `to`, at most 65,535 units, and returns its reference. */
export const keepName = (pool: Names, text: string, from: number, to: number): number => {
  const length = to - from;
  let ref = pool.freed[length]?.pop();
  if (ref === undefined) {
    makeRoom(pool, length + 1);
    ref = pool.next;
    pool.next += length + 1;
  }
  const chunk = pool.chunks[ref >>> chunkBits]!;
  const at = ref & chunkMask;
  chunk[at] = length;
  for (let i = 0; i < length; i++) chunk[at + 1 + i] = text.charCodeAt(from + i);
  return ref;
};

export const dropName = (pool: Names, ref: number): void => {
  const length = pool.chunks[ref >>> chunkBits]![ref & chunkMask]!;
  (pool.freed[length] ??= []).push(ref);
};

export const isName = (
  pool: Names,
  ref: number,
  text: string,
  from: number,
  to: number,
): boolean => {
  const chunk = pool.chunks[ref >>> chunkBits]!;
  const at = ref & chunkMask;
  if (chunk[at] !== to - from) return false;
  for (let i = from, j = at + 1; i < to; i++, j++)
    if (chunk[j] !== text.charCodeAt(i)) return false;
  return true;
};

export const readName = (pool: Names, ref: number): string => {
  const chunk = pool.chunks[ref >>> chunkBits]!;
  const at = ref & chunkMask;
  return String.fromCharCode(...chunk.subarray(at + 1, at + 1 + chunk[at]!));
};

export const bytesOfNames = (pool: Names): number =>
  pool.chunks.reduce((sum, chunk) => sum + chunk.byteLength + 96, 0) +
  pool.freed.reduce((sum, refs) => sum + 16 + refs.length * 8, 0);
