import { type ErrorCode, errorCodes, FileError } from "@bulkhead/contract";
import { errorStatuses, problemOf } from "@bulkhead/wire";
import { exitCodes } from "bulkhead";
import { code, generated, table } from "./markdown.ts";

/** What is the matter and what to do, for each code. */
const advice: Readonly<Record<ErrorCode, string>> = {
  "invalid-path": "The path is not a legal one. Paths are refused, never repaired.",
  "invalid-request":
    "A header, parameter, cursor or body is malformed, or an option that this storage does not have.",
  unauthenticated:
    "No key, or one that is unknown, expired or revoked. The answer is the same for all.",
  "outside-workspace": "The key can never reach this path. Nothing was looked up.",
  "not-found": "Nothing is there, or nothing that the key may see.",
  forbidden: "This may not be done here: a read-only mount, a tenant's root, another's affairs.",
  "scope-required": "The key lacks `read`, `write`, `share` or `admin`.",
  "tenant-suspended": "The tenant's data is kept; the operator can reactivate it.",
  "tenant-mismatch": "`X-Tenant-ID` or the body names a tenant that is not the key's.",
  "already-exists": "Something is there. Overwrite on purpose, or choose another name.",
  "not-empty": "Remove with `recursive`.",
  "is-directory": "The operation is for files.",
  "not-directory": "The operation is for directories, or a part of the path is a file.",
  conflict: "Somebody changed it at the same time. Look again, then try again.",
  "idempotency-in-flight": "The first request with this key has not ended. Wait.",
  "idempotency-mismatch": "The key was used for another request. Draw a new one.",
  "confirmation-required": "Send `confirm` with the id; `counts` says what would go.",
  "precondition-failed":
    "`If-Match` or `If-None-Match` did not hold; `etag` is the present one, for those who may read.",
  "range-not-satisfiable": "The file is shorter than the range begins.",
  "too-large": "A body or an answer is larger than a limit.",
  "quota-exceeded":
    "A limit of bytes, files, users, keys or a counter is reached; `resource` says which. Nothing was stored or charged.",
  "plan-limit": "The tenant's plan does not include it.",
  "rate-limited":
    "More requests than the tenant, the key or its plan may send, or too many from one address without a valid key. Wait for `Retry-After`, then it succeeds.",
  residency: "The tenant's regions exclude the database's.",
  "wrong-region":
    "Another region's server serves the tenant: `location` says where. Nothing was stored.",
  unavailable:
    "A storage or the database cannot be reached, another server serves this mount, or too many requests of the tenant wait. Wait for `Retry-After`, then try again.",
  timeout:
    "A body made no progress for a minute (then with status 408), or something took too long.",
  aborted: "The request was given up before it ended.",
  internal: "The server failed. Its log has the reason under the request id.",
};

/** Renders `docs/reference/errors.md`, from the tables of the server, the wire and the command line. */
export const errorsPage = (): string => {
  const rows = errorCodes.map((name) => {
    const problem = problemOf(new FileError(name, ""), "");
    return [
      code(name),
      String(errorStatuses[name].status),
      problem.retryable ? "yes" : "no",
      String(exitCodes[name]),
      errorStatuses[name].title,
      advice[name],
    ];
  });
  return [
    "# Errors",
    "",
    generated,
    "",
    "Every error of the server is `application/problem+json` (RFC 9457) with the members `type`, `title`, `status`, `detail`,",
    "`code`, `requestId` and `retryable`. Programs look at `code`. Where they apply there are `etag`, `resource`, `limit`, `used`,",
    "`requested`, `location`, `counts` and `unready`. `detail` is written for people and may change. No error holds a path of the",
    "server's disk, a statement of SQL, a secret or another tenant's name.",
    "",
    "`retryable` says whether the same request may succeed later unchanged. The library throws `FileError` with the same `code`,",
    "the client `BulkheadError` and classes derived from it, with `code`, `status`, `requestId`, `retryable` and `fields`. The",
    "column *exit* is what the command line exits with.",
    "",
    table(["code", "status", "retryable", "exit", "title", "meaning"], rows),
    "",
    "A status that HTTP itself asks for and that has no code of its own (405, 411, 413, 415, 417, 431 and the like) comes with",
    "the nearest of these codes.",
    "",
  ].join("\n");
};
