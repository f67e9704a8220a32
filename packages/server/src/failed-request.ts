import type { HttpLogEntry } from "@bulkhead/front-http";

/** What was thrown and what caused it, outermost first. */
const reasonOf = (error: unknown): string => {
  if (!(error instanceof Error)) return String(error);
  const { message, cause } = error;
  return cause === undefined ? message : `${message} <- ${reasonOf(cause)}`;
};

const innermost = (error: unknown): unknown =>
  error instanceof Error && error.cause !== undefined ? innermost(error.cause) : error;

/**
 * Writes the line of the log that says why a request failed, under the id that its caller was told. With a stack where
 * nobody foresaw it (500), for everything else says in a sentence what is the matter.
 */
export const failedRequest = ({ error, ms, ...entry }: HttpLogEntry): string => {
  const root = innermost(error);
  return JSON.stringify({
    event: "request-failed",
    ...entry,
    ms: Math.round(ms),
    reason: reasonOf(error),
    ...(entry.status === 500 && root instanceof Error && { stack: root.stack }),
  });
};
