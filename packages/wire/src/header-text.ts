import { FileError } from "@bulkhead/contract";

/** Writes every byte of `text` in UTF-8 as an escape. */
export const percent = (text: string): string => {
  let out = "";
  for (const byte of new TextEncoder().encode(text))
    out += `%${byte.toString(16).toUpperCase().padStart(2, "0")}`;
  return out;
};

/** Reads escapes of UTF-8. Throws `invalid-request`, which names `what`, for a `%` that begins none. */
export const unpercent = (text: string, what: string): string => {
  try {
    return decodeURIComponent(text);
  } catch {
    throw new FileError(
      "invalid-request",
      `The ${what} holds a '%' that begins no escape of UTF-8; write '%25'.`,
    );
  }
};

/**
 * Writes text as the value of a header: `%`, all beyond visible ASCII and spaces at either end are percent-encoded UTF-8;
 * the rest stands as it is.
 */
export const encodeHeaderText = (text: string): string =>
  text.replace(/[^\x20-\x24\x26-\x7e]+|^ +| +$/gu, percent);

/** Reads the value of the header `name` as `encodeHeaderText` wrote it. Throws `invalid-request`. */
export const decodeHeaderText = (name: string, value: string): string => {
  if (/[^\x20-\x7e]/.test(value))
    throw new FileError(
      "invalid-request",
      `The value of '${name}' is ASCII; write other characters as escapes of UTF-8.`,
    );
  return unpercent(value, `value of '${name}'`);
};
