import type { ErrorCode } from "@bulkhead/contract";
import { errorStatuses } from "@bulkhead/wire";
import type { Route } from "../call.ts";

/** What every route may be refused with, whoever asks. */
const ofAny: readonly ErrorCode[] = ["internal", "invalid-request"];

/** What every route with a key may be refused with. */
const ofKeys: readonly ErrorCode[] = [
  "forbidden",
  "invalid-path",
  "not-found",
  "outside-workspace",
  "rate-limited",
  "scope-required",
  "tenant-mismatch",
  "tenant-suspended",
  "timeout",
  "unauthenticated",
  "unavailable",
  "wrong-region",
];

/** Every POST but those of an open route heeds an `Idempotency-Key`. */
export const isIdempotent = (route: Route): boolean =>
  route.method === "POST" && route.open !== true;

/** The codes of the problems that a route answers, by status. */
export const problemsOf = (route: Route): ReadonlyMap<number, readonly ErrorCode[]> => {
  const codes = new Set<readonly [number, ErrorCode]>();
  const add = (status: number, code: ErrorCode): void => void codes.add([status, code]);
  const { takes, refuses = [] } = route;
  for (const code of [...ofAny, ...(route.open === true ? [] : ofKeys), ...refuses])
    add(errorStatuses[code].status, code);
  if (takes !== undefined) {
    // The body stood still.
    add(408, "timeout");
    add(413, "too-large");
  }
  // A content coding would change the meaning of bytes that are kept as they come.
  if (takes === "bytes") add(415, "invalid-request");
  // By the number that tus gives it.
  if (route.headers?.includes("Upload-Checksum") === true) add(460, "invalid-request");
  if (isIdempotent(route))
    for (const code of ["idempotency-in-flight", "conflict", "idempotency-mismatch"] as const)
      add(errorStatuses[code].status, code);
  const byStatus = new Map<number, ErrorCode[]>();
  for (const [status, code] of codes) {
    const known = byStatus.get(status) ?? [];
    if (!known.includes(code)) byStatus.set(status, [...known, code].sort());
  }
  return new Map([...byStatus].sort(([a], [b]) => a - b));
};
