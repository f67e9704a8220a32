import { FileError, type PageQuery } from "@bulkhead/contract";

const most = 1000;

/** The length of a page, 100 where none is named. Throws `invalid-request` out of bounds. */
export const pageLimitOf = (query: PageQuery): number => {
  const limit = query.limit ?? 100;
  if (!Number.isInteger(limit) || limit < 1 || limit > most)
    throw new FileError("invalid-request", `A page holds 1 to ${most} entries.`);
  return limit;
};

/** Writes where a page ended as one opaque string. */
export const writePosition = (parts: readonly (string | number)[]): string =>
  Buffer.from(JSON.stringify(parts), "utf8").toString("base64url");

/** Reads what `writePosition` wrote. Throws `invalid-request` for anything else. */
export const readPosition = (after: string | undefined, length: number): string[] | undefined => {
  if (after === undefined) return undefined;
  try {
    const parts: unknown = JSON.parse(Buffer.from(after, "base64url").toString("utf8"));
    if (Array.isArray(parts) && parts.length === length) return parts.map(String);
  } catch {
    // Falls through to the one refusal.
  }
  throw new FileError("invalid-request", "The cursor 'after' is not one that this list gave.");
};
