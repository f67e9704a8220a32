import type { ErrorCode } from "@bulkhead/contract";

/** What the command exits with. `interrupted` is the shell's own number for Ctrl-C. */
export const exits = {
  ok: 0,
  other: 1,
  usage: 2,
  notFound: 3,
  temporary: 5,
  denied: 10,
  conflict: 11,
  limit: 12,
  interrupted: 130,
} as const;

/** What the command exits with for each error of the server: the one table. */
export const exitCodes: Readonly<Record<ErrorCode, number>> = {
  "invalid-path": exits.usage,
  "invalid-request": exits.usage,
  unauthenticated: exits.denied,
  "outside-workspace": exits.denied,
  "not-found": exits.notFound,
  forbidden: exits.denied,
  "scope-required": exits.denied,
  "tenant-suspended": exits.denied,
  "tenant-mismatch": exits.denied,
  "already-exists": exits.conflict,
  "not-empty": exits.conflict,
  "is-directory": exits.conflict,
  "not-directory": exits.conflict,
  conflict: exits.conflict,
  "idempotency-in-flight": exits.conflict,
  "idempotency-mismatch": exits.conflict,
  "confirmation-required": exits.usage,
  "precondition-failed": exits.conflict,
  "range-not-satisfiable": exits.usage,
  "too-large": exits.limit,
  "quota-exceeded": exits.limit,
  "plan-limit": exits.denied,
  "rate-limited": exits.limit,
  residency: exits.denied,
  "wrong-region": exits.other,
  unavailable: exits.temporary,
  timeout: exits.temporary,
  aborted: exits.temporary,
  internal: exits.other,
} satisfies Record<ErrorCode, number>;
