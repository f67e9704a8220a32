import { type ByteRange, FileError, type ResolvedRange } from "@bulkhead/contract";

/**
 * Places a range within `size` bytes (RFC 9110 §14.1.2): an end beyond the last byte is the last byte, a suffix longer
 * than the whole is the whole. Throws `range-not-satisfiable` where nothing is selected.
 */
export const resolveRange = (range: ByteRange, size: number): ResolvedRange => {
  const unsatisfiable = (): never => {
    throw new FileError(
      "range-not-satisfiable",
      `The content has ${size} bytes; the range selects none of them.`,
      {
        fields: { limit: size },
      },
    );
  };
  if ("suffix" in range) {
    if (range.suffix <= 0 || size === 0) return unsatisfiable();
    return { start: Math.max(0, size - range.suffix), end: size - 1 };
  }
  if (range.start >= size || (range.end !== undefined && range.end < range.start))
    return unsatisfiable();
  return { start: range.start, end: Math.min(range.end ?? size - 1, size - 1) };
};
