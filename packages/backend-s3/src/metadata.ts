/** The name under which each PUT leaves an id of its own, so that it can be told from everybody else's. */
const writeName = "bulkhead-write";

const percent = (text: string): string =>
  [...new TextEncoder().encode(text)]
    .map((byte) => `%${byte.toString(16).toUpperCase().padStart(2, "0")}`)
    .join("");

const unpercent = (text: string): string => {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
};

/**
 * Writes metadata as headers can hold it: percent-encoded where a header has no case, no spaces at its ends and nothing
 * but ASCII.
 */
export const encodeMetadata = (
  metadata: Readonly<Record<string, string>> | undefined,
  write: string,
): Record<string, string> => {
  const encoded: Record<string, string> = { [writeName]: write };
  for (const [name, value] of Object.entries(metadata ?? {}))
    encoded[name.replace(/[^a-z0-9._-]+/gu, percent)] = value.replace(
      /[^\u0021-\u0024\u0026-\u007e ]+|^ +| +$/gu,
      percent,
    );
  return encoded;
};

/** The id of the PUT that stored an object, if it was one of ours. */
export const writeOf = (stored: Readonly<Record<string, string>> | undefined): string | undefined =>
  stored?.[writeName];

/** The metadata of an object, without what we keep there ourselves. What others stored is taken as it is. */
export const decodeMetadata = (
  stored: Readonly<Record<string, string>> | undefined,
): Record<string, string> | undefined => {
  const entries = Object.entries(stored ?? {}).filter(([name]) => name !== writeName);
  if (entries.length === 0) return undefined;
  return Object.fromEntries(
    writeOf(stored) === undefined
      ? entries
      : entries.map(([name, value]) => [unpercent(name), unpercent(value)]),
  );
};
