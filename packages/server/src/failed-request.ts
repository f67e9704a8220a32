import { reasonOf } from "@bulkhead/contract";
import type { HttpLogEntry } from "@bulkhead/front-http";
import { answeredRequest } from "./answered-request.ts";

const innermost = (error: unknown): unknown =>
  error instanceof Error && error.cause !== undefined ? innermost(error.cause) : error;

/** Where it was thrown, without the sentence that `stack` begins with: `reason` has what may be told of it. */
const frames = ({ stack = "" }: Error): string =>
  stack
    .split("\n")
    .filter((line) => /^ +at /.test(line))
    .join("\n");

/**
 * Says why a request failed, under the id that its caller was told. With a stack where nobody foresaw it (500), for
 * everything else in a sentence.
 */
export const failedRequest = (entry: HttpLogEntry): Readonly<Record<string, unknown>> => {
  const root = innermost(entry.error);
  return {
    ...answeredRequest(entry),
    reason: reasonOf(entry.error),
    ...(entry.status === 500 && root instanceof Error && { stack: frames(root) }),
  };
};
