import { BulkheadError } from "@bulkhead/client";
import { errorStatuses } from "@bulkhead/wire";
import { exitCodes, exits } from "./exit-codes.ts";
import { printable } from "./printable.ts";

/** The command was called in a way that cannot work: exit 2. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}

/** What is here is not what was expected, and was left as it is: exit 11. */
export class LocalConflict extends Error {
  override readonly name = "LocalConflict";
}

/** An error, and what it is about: a path as the user wrote it, or a local file. */
export class Failure extends Error {
  override readonly name = "Failure";
  readonly subject: string;
  readonly why: unknown;

  constructor(subject: string, why: unknown) {
    super(subject, { cause: why });
    this.subject = subject;
    this.why = why;
  }
}

/** Rejects with a `Failure` about `subject` where `act` does. */
export const about = async <T>(subject: string, act: () => Promise<T>): Promise<T> => {
  try {
    return await act();
  } catch (error) {
    throw error instanceof Failure || error instanceof UsageError
      ? error
      : new Failure(subject, error);
  }
};

const unwrap = (error: unknown): { readonly subject: string | undefined; readonly why: unknown } =>
  error instanceof Failure
    ? { subject: error.subject, why: error.why }
    : { subject: undefined, why: error };

/** What the command exits with for `error`. */
export const exitCodeOf = (error: unknown): number => {
  const { why } = unwrap(error);
  if (why instanceof BulkheadError) return exitCodes[why.code];
  if (why instanceof UsageError) return exits.usage;
  if (why instanceof LocalConflict) return exits.conflict;
  return exits.other;
};

const lowerFirst = (text: string): string => text.charAt(0).toLowerCase() + text.slice(1);

const systemMessage = (error: Error & { readonly code?: unknown }): string => {
  // "ENOENT: no such file or directory, open '/x'": the subject says the rest.
  const plain = /^[A-Z0-9]+: ([^,]+)/.exec(error.message)?.[1];
  return typeof error.code === "string" && plain !== undefined
    ? `${plain} (${error.code})`
    : error.message;
};

/** Says an error in a line, and in a second one what helps. */
export const describeError = (error: unknown): string => {
  const { subject, why } = unwrap(error);
  const lead = `bulkhead: ${subject === undefined ? "" : `${subject}: `}`;
  if (why instanceof BulkheadError) {
    const title = `${lowerFirst(errorStatuses[why.code].title)} (${why.code})`;
    const more = [why.message];
    if (why.fields.retryAfter !== undefined) more.push(`Try again in ${why.fields.retryAfter} s.`);
    if (why.code === "internal" && why.requestId !== undefined)
      more.push(`Request ${why.requestId}.`);
    return printable(`${lead}${title}\n  ${more.join(" ")}`, "\n");
  }
  return printable(`${lead}${why instanceof Error ? systemMessage(why) : String(why)}`, "\n");
};

/** The same for programs: one line of JSON. */
export const errorRecord = (error: unknown): string => {
  const { subject, why } = unwrap(error);
  const about = subject === undefined ? {} : { subject };
  if (why instanceof BulkheadError) {
    const { code, status, message, requestId, retryable, fields } = why;
    return JSON.stringify({
      error: { code, status, message, ...about, requestId, retryable, ...fields },
    });
  }
  const code =
    why instanceof UsageError ? "usage" : why instanceof LocalConflict ? "conflict" : "local";
  const message = why instanceof Error ? why.message : String(why);
  return JSON.stringify({ error: { code, message, ...about } });
};
