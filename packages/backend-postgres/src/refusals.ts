import { type ErrorCode, type ErrorFields, FileError } from "@bulkhead/contract";

/** The SQLSTATEs with which the functions of the schema refuse, and what each tells the caller. */
const refusals: Readonly<Record<string, readonly [ErrorCode, string]>> = {
  BHNFD: ["not-found", "There is nothing at this path."],
  BHAEX: ["already-exists", "There is something at this path already."],
  BHDIR: ["is-directory", "There is a directory at this path."],
  BHNDR: ["not-directory", "A file is not a directory: nothing lies in or below it."],
  BHNEM: ["not-empty", "The directory is not empty; remove what is in it, or ask for all of it."],
  BHPRE: ["precondition-failed", "The file is not the one that was named; look at it again."],
  BHINV: ["invalid-request", "A directory cannot go into itself."],
  BHBIG: [
    "too-large",
    "The directory holds more entries than one step takes; take its parts one by one.",
  ],
  BHGON: ["conflict", "The content took too long to arrive and was given up; send it again."],
};

const fieldsOf = (sqlState: string, detail: string): ErrorFields => {
  if (sqlState === "BHPRE" && detail !== "") return { etag: detail };
  return sqlState === "BHBIG" ? { limit: Number(detail) } : {};
};

/** The refusal behind a SQLSTATE; `detail` is the ETag that a condition met, or the bound that was exceeded. */
export const refusalOf = (sqlState: string, detail: string): FileError | undefined => {
  const refusal = refusals[sqlState];
  if (refusal === undefined) return undefined;
  const [code, text] = refusal;
  return new FileError(code, text, { fields: fieldsOf(sqlState, detail) });
};
