import type { HttpLogEntry } from "@bulkhead/front-http";
import { answeredRequest } from "./answered-request.ts";

/** What was thrown and what caused it, outermost first. */
const reasonOf = (error: unknown): string => {
  if (!(error instanceof Error)) return String(error);
  const { message, cause } = error;
  return cause === undefined ? message : `${message} <- ${reasonOf(cause)}`;
};

const innermost = (error: unknown): unknown =>
  error instanceof Error && error.cause !== undefined ? innermost(error.cause) : error;

/**
 * Says why a request failed, under the id that its caller was told. With a stack where nobody foresaw it (500), for
 * everything else in a sentence.
 */
export const failedRequest = (entry: HttpLogEntry): Readonly<Record<string, unknown>> => {
  const root = innermost(entry.error);
  return {
    ...answeredRequest(entry),
    reason: reasonOf(entry.error),
    ...(entry.status === 500 && root instanceof Error && { stack: root.stack }),
  };
};
