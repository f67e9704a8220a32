import type { ByteRange } from "@bulkhead/contract";

const number = (digits: string): number => Math.min(Number(digits), Number.MAX_SAFE_INTEGER);

/**
 * Reads `Range` (RFC 9110 §14.2). Undefined where the header is to be passed over: another unit, a malformed one, or
 * several ranges, which nobody has to serve.
 */
export const parseRange = (value: string | undefined): ByteRange | undefined => {
  const set = /^bytes=(.*)$/is.exec(value?.trim() ?? "")?.[1];
  const specs = set
    ?.split(",")
    .map((spec) => spec.trim())
    .filter((spec) => spec !== "");
  const match = specs?.length === 1 ? /^(\d*)-(\d*)$/.exec(specs[0] ?? "") : null;
  const [, first = "", last = ""] = match ?? [];
  if (first === "") return last === "" ? undefined : { suffix: number(last) };
  if (last === "") return { start: number(first) };
  return number(last) < number(first) ? undefined : { start: number(first), end: number(last) };
};
