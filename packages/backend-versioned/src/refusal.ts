import { type ErrorCode, type ErrorFields, FileError } from "@bulkhead/contract";
import type { Look, Refusal } from "./ledger-commit.ts";

const texts: Partial<Record<ErrorCode, string>> = {
  "not-found": "There is nothing at this path.",
  "already-exists": "There is something at this path already.",
  "is-directory": "There is a directory at this path.",
  "not-directory": "A file stands where a directory would have to be.",
  "not-empty": "The directory is not empty; remove what is in it, or ask for all of it.",
  "precondition-failed": "The file is not the one that was named; look at it again.",
};

const reasons: Readonly<Record<string, string>> = {
  root: "The root of a storage cannot be copied or moved.",
  same: "Source and target are the same path.",
  inside: "A directory cannot go into itself.",
  parent: "The directory that would hold this one does not exist.",
  version: "This path has no such version.",
  entries: "A directory of more than 50,000 entries cannot be copied at once; copy its parts.",
  blob: "The content was taken away before it could be committed; try again.",
  moving: "The content of this tree is being moved; try again.",
  claim: "The operation was overtaken; try again.",
};

const quotaText = ({ resource, limit, used, requested }: Refusal): string =>
  `This would exceed the tenant's limit of ${resource}: ${used} of ${limit} are used, ${requested} more were asked for.`;

/** The error that a refusal of the ledger is to a caller. */
export const refusalError = (refusal: Refusal): FileError => {
  const { code, reason, etag, resource, limit, used, requested } = refusal;
  const text =
    code === "quota-exceeded"
      ? quotaText(refusal)
      : ((reason === undefined ? undefined : reasons[reason]) ?? texts[code]);
  const fields: ErrorFields = {
    ...(etag !== undefined && { etag }),
    ...(resource !== undefined && { resource }),
    ...(limit !== undefined && { limit }),
    ...(used !== undefined && { used }),
    ...(requested !== undefined && { requested }),
    ...(code === "unavailable" && { retryAfter: 1 }),
  };
  return new FileError(code, text ?? "The ledger refused this.", { fields });
};

/** What a look found. Throws what it refused. */
export const found = <R>(look: Look<R>): R => {
  if (look.state === "refused") throw refusalError(look);
  return look;
};
