import { type ErrorFields, FileError } from "@bulkhead/contract";

/** Codes of PostgreSQL (SQLSTATE) and of sockets that mean: no ledger at the moment. */
const absent =
  /^(?:08...|57P0.|53...|57014|55P03|25P0[34]|58...|ECONN.*|ENOENT|EPIPE|ETIMEDOUT|EHOSTUNREACH|ENETUNREACH|ENOTFOUND|EAI_AGAIN|EACCES)$/;
/** What `pg` says without a code. */
const absentMessages =
  /timeout exceeded when trying to connect|timeout expired|Query read timeout|Connection terminated|Client was closed|not queryable|pool after calling end|server closed the connection|connection is insecure/i;

/** A NUL or malformed text in a parameter: who sent it is told, not the operator. */
const unstorable = /^(?:22021|22P05)$/;

const textOf = (error: unknown, field: "code" | "message" | "constraint" | "detail"): string => {
  const value: unknown =
    typeof error === "object" && error !== null ? Reflect.get(error, field) : undefined;
  return typeof value === "string" ? value : "";
};

/** The SQLSTATE or system code of an error, or the empty string. */
export const codeOf = (error: unknown): string => textOf(error, "code");

/** The constraint that a row broke, or the empty string. */
export const constraintOf = (error: unknown): string => textOf(error, "constraint");

/** True if the connection, not the statement, is at fault: it must not be used again. */
export const isConnectionFault = (error: unknown): boolean =>
  absent.test(codeOf(error)) || absentMessages.test(textOf(error, "message"));

/** True for a deadlock and for a serialisation failure: the transaction can be tried again as it was. */
export const isTransient = (error: unknown): boolean =>
  codeOf(error) === "40P01" || codeOf(error) === "40001";

/** Makes the one answer for a ledger that cannot be reached. */
export const ledgerUnavailable = (cause?: unknown): FileError =>
  new FileError("unavailable", "The control plane cannot be reached; try again shortly.", {
    fields: { retryAfter: 1 },
    ...(cause === undefined ? {} : { cause }),
  });

/** A row more than a limit allows; the statement's detail says of what. */
const refusedGrowth = (error: unknown): FileError => {
  const fields: ErrorFields = JSON.parse(textOf(error, "detail"));
  const { resource, limit, used } = fields;
  return new FileError(
    "quota-exceeded",
    `This would exceed the tenant's limit of ${resource}: ${used} of ${limit} are used.`,
    { fields, cause: error },
  );
};

/** Turns what `pg` threw into a `FileError` whose detail holds no SQL. */
export const toFileError = (error: unknown): FileError => {
  if (error instanceof FileError) return error;
  if (isConnectionFault(error) || isTransient(error)) return ledgerUnavailable(error);
  const code = codeOf(error);
  if (code === "BH404")
    return new FileError("not-found", "There is no such object.", { cause: error });
  if (code === "BH507") return refusedGrowth(error);
  if (code === "BH503")
    return new FileError(
      "unavailable",
      "Another server process serves this part of the tree now.",
      { cause: error },
    );
  if (code === "BH409")
    return new FileError("conflict", "The operation was overtaken; try again.", { cause: error });
  if (unstorable.test(code))
    return new FileError("invalid-request", "A text holds a character that cannot be stored.", {
      cause: error,
    });
  return new FileError("internal", "The control plane refused a statement.", { cause: error });
};
