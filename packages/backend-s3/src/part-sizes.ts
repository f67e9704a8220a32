import { FileError } from "@bulkhead/contract";

/** What a store takes: 5 TiB, in at most 10,000 parts. */
export const maxFileSize: number = 5 * 1024 ** 4;
const maxParts = 10_000;

/** Of a body of unknown length, so many parts have one size; then it doubles. */
const step = 1000;
/** And no further than this, so that the parts in flight fit into memory. */
const largest = 64 * 1024 ** 2;

/** How long the part with that number is, counted from 1. Throws `too-large` behind the last. */
export const partSize = (number: number, first: number, size: number | undefined): number => {
  if (number > maxParts)
    throw new FileError(
      "too-large",
      "A body of unknown length fits in 10,000 parts; declare how long it is.",
    );
  if (size !== undefined) return Math.max(first, Math.ceil(size / maxParts));
  const doubled = first * 2 ** Math.floor((number - 1) / step);
  return Math.max(first, Math.min(doubled, largest));
};
