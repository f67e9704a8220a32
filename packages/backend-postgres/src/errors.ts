import { FileError, isFileError } from "@bulkhead/contract";
import { refusalOf } from "./refusals.ts";

/** SQLSTATEs and system codes that mean: this connection is gone, and what it was doing may have happened or not. */
const cut =
  /^(?:08...|57P0[123]|25P03|ECONN.*|ENOENT|EPIPE|ETIMEDOUT|EHOSTUNREACH|ENETUNREACH|ENOTFOUND|EAI_AGAIN|EACCES)$/;
/** What `pg` says without a code. */
const cutMessages =
  /timeout exceeded when trying to connect|timeout expired|Query read timeout|Connection terminated|Client was closed|not queryable|server closed the connection|connection is insecure|Client has encountered a connection error/i;
/** The server answered, and could not: no room, no time, no such database or schema, not let in. */
const unable = /^(?:53...|57014|55P03|58...|28...|3D000|3F000|42P01|42883|42501|25006)$/;
/** A NUL or malformed text in a parameter. */
const unstorable = /^(?:22021|22P05|22P02)$/;

const textOf = (error: unknown, field: "code" | "message" | "constraint" | "detail"): string => {
  const value: unknown =
    typeof error === "object" && error !== null ? Reflect.get(error, field) : undefined;
  return typeof value === "string" ? value : "";
};

/** The SQLSTATE or system code of an error, or the empty string. */
export const codeOf = (error: unknown): string => textOf(error, "code");

/** True if the connection is at fault: it must not be used again, and the statement may have taken effect. */
export const isConnectionFault = (error: unknown): boolean =>
  !isFileError(error) &&
  (cut.test(codeOf(error)) || (codeOf(error) === "" && cutMessages.test(textOf(error, "message"))));

/**
 * True where the same statement may succeed at once: a deadlock, a serialisation failure, and a name that another
 * transaction made between our look and our effect.
 */
export const isTransient = (error: unknown): boolean =>
  codeOf(error) === "40P01" ||
  codeOf(error) === "40001" ||
  (codeOf(error) === "23505" && /^node_(?:place|order)$/.test(textOf(error, "constraint")));

/** True if recovery has declared this effect undone before it could happen. */
const isForestalled = (error: unknown): boolean =>
  codeOf(error) === "23505" && textOf(error, "constraint") === "effect_once";

/** True for what `toFileError` made of an effect that adds more than was granted: it did not happen. */
export const isOutgrown = (error: unknown): boolean =>
  isFileError(error, "conflict") && codeOf(error.cause) === "BHGRW";

/** Makes the answer for a database that does not serve at the moment. */
export const databaseUnavailable = (cause?: unknown): FileError =>
  new FileError("unavailable", "This storage's database does not serve now; try again shortly.", {
    fields: { retryAfter: 1 },
    ...(cause === undefined ? {} : { cause }),
  });

/** Makes the answer where nobody could find out whether a change was made. */
export const unconfirmed = (cause: unknown): FileError =>
  new FileError(
    "unavailable",
    "The change could not be confirmed; look whether it was made before you repeat it.",
    { retry: "never", cause },
  );

/** Turns what `pg` threw into a `FileError` whose detail names neither SQL nor host. */
export const toFileError = (error: unknown): FileError => {
  if (error instanceof FileError) return error;
  const code = codeOf(error);
  const refusal = refusalOf(code, textOf(error, "detail"));
  if (refusal !== undefined) return refusal;
  if (isTransient(error))
    return new FileError("conflict", "Too many changes meet here; try again.", { cause: error });
  if (isForestalled(error))
    return new FileError("conflict", "The change took too long and was given up; try again.", {
      cause: error,
    });
  if (code === "BHGRW")
    return new FileError("conflict", "What this replaces changed meanwhile; try again.", {
      cause: error,
    });
  if (isConnectionFault(error) || unable.test(code)) return databaseUnavailable(error);
  if (unstorable.test(code))
    return new FileError("invalid-request", "A text holds a character that cannot be stored.", {
      cause: error,
    });
  return new FileError("internal", "This storage's database refused a statement.", {
    cause: error,
  });
};
