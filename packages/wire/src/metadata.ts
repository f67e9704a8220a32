import { FileError } from "@bulkhead/contract";
import { decodeHeaderText, encodeHeaderText, percent, unpercent } from "./header-text.ts";
import { headerNames } from "./headers.ts";

/** The most that the names and values of a file's metadata may hold together, in UTF-8 bytes. */
export const metadataLimit = 8192;

/**
 * Writes metadata as headers. In a name, all but lower-case letters, digits, `-`, `_` and `.` is percent-encoded UTF-8,
 * for a header's name has no case and no spaces. In a value, `%`, all beyond visible ASCII and spaces at either end are;
 * the rest stands as it is. `decodeMetadata` gives back exactly what went in.
 */
export const encodeMetadata = (
  metadata: Readonly<Record<string, string>>,
): [name: string, value: string][] =>
  Object.entries(metadata).map(([name, value]) => [
    headerNames.metaPrefix + name.replace(/[^a-z0-9._-]+/gu, percent),
    encodeHeaderText(value),
  ]);

/**
 * Reads metadata from the headers of a message; others are passed over. Throws `invalid-request` for an escape that is
 * none, for a name given twice or empty, and for more than `metadataLimit` bytes.
 */
export const decodeMetadata = (
  headers: Iterable<readonly [name: string, value: string]>,
): Record<string, string> => {
  const entries = new Map<string, string>();
  const prefix = headerNames.metaPrefix.toLowerCase();
  let bytes = 0;
  for (const [header, raw] of headers) {
    const lower = header.toLowerCase();
    if (!lower.startsWith(prefix)) continue;
    const name = unpercent(lower.slice(prefix.length), `name '${header}'`);
    if (name === "")
      throw new FileError("invalid-request", `'${headerNames.metaPrefix}' is followed by a name.`);
    if (entries.has(name)) throw new FileError("invalid-request", `'${header}' is given twice.`);
    const value = decodeHeaderText(header, raw);
    bytes += new TextEncoder().encode(name + value).length;
    entries.set(name, value);
  }
  if (bytes > metadataLimit)
    throw new FileError(
      "invalid-request",
      `Metadata holds at most ${metadataLimit} bytes; this is ${bytes}.`,
    );
  return Object.fromEntries(entries);
};
