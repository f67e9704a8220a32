import { isFileError } from "@bulkhead/contract";
import { codeOfStatus, errorOf, headerNames, problemSchema, problemType } from "@bulkhead/wire";
import { type BulkheadError, bulkheadError } from "./errors.ts";

/** Reads `Retry-After` (RFC 9110 §10.2.3), in seconds or as a date, as seconds from now. */
export const retryAfterOf = (headers: Headers, now: number = Date.now()): number | undefined => {
  const value = headers.get("Retry-After")?.trim();
  if (value === undefined || value === "") return undefined;
  if (/^\d+$/.test(value)) return Number(value);
  const at = Date.parse(value);
  return Number.isNaN(at) ? undefined : Math.max(0, Math.ceil((at - now) / 1000));
};

const problemIn = async (response: Response): Promise<unknown> => {
  const isProblem = response.headers.get("Content-Type")?.toLowerCase().startsWith(problemType);
  if (isProblem !== true) {
    await response.body?.cancel().catch(() => undefined);
    return undefined;
  }
  return response.json().catch(() => undefined);
};

const detailIn = (body: unknown): string | undefined =>
  typeof body === "object" && body !== null && "detail" in body && typeof body.detail === "string"
    ? body.detail
    : undefined;

/**
 * Reads the error that an answer is. An answer without a problem, a proxy's say, or with a code this client does not know
 * is judged by its status; a 404 without a problem is `internal`, since it says nothing about a file.
 */
export const errorOfResponse = async (response: Response): Promise<BulkheadError> => {
  const { status, headers } = response;
  const retryAfter = retryAfterOf(headers);
  const requestId = headers.get(headerNames.requestId) ?? undefined;
  const body = await problemIn(response);
  const parsed = problemSchema.safeParse(body);
  if (parsed.success) {
    const { code, detail, fields } = errorOf(parsed.data, retryAfter);
    const { requestId: id, retryable } = parsed.data;
    return bulkheadError(code, detail, { status, requestId: id, retryable, fields });
  }
  const detail = detailIn(body);
  const code = detail === undefined && status === 404 ? "internal" : codeOfStatus(status);
  return bulkheadError(
    code,
    detail ??
      `The answer ${status} is not one of Bulkhead's: is the url right, and what stands between?`,
    {
      status,
      requestId,
      retryable: code === "unavailable" || code === "timeout" || code === "rate-limited",
      ...(retryAfter !== undefined && { fields: { retryAfter } }),
    },
  );
};

/** Turns what the path parser and its kin throw into this package's errors; anything else stays as it is. */
const asBulkheadError = (error: unknown): unknown =>
  isFileError(error)
    ? bulkheadError(error.code, error.detail, {
        status: 0,
        retryable: error.retry !== "never",
        fields: error.fields,
      })
    : error;

/** Runs what checks its arguments, throwing this package's errors. */
export const checking = <T>(check: () => T): T => {
  try {
    return check();
  } catch (error) {
    throw asBulkheadError(error);
  }
};
