import type { OpContext, Settlement } from "@bulkhead/contract";

export interface PlainContextOptions {
  /** Never aborts by default. */
  readonly signal?: AbortSignal;
  readonly requestId?: string;
  /** Milliseconds since the epoch; the process's clock by default. */
  readonly now?: number;
  /** Grants every commit by default. */
  readonly commit?: OpContext["commit"];
}

const emptySettlement = (): Settlement => ({
  tenant: undefined,
  revisions: [],
  reserved: { bytes: 0, files: 0 },
  audit: undefined,
  idempotency: undefined,
});

/** Makes a context for a backend that is used in process, without ledger or caller; its settlement is an empty draft. */
export const plainContext = (options: PlainContextOptions = {}): OpContext => ({
  signal: options.signal ?? new AbortController().signal,
  requestId: options.requestId ?? "plain",
  now: options.now ?? Date.now(),
  settlement: emptySettlement(),
  commit: options.commit ?? (() => Promise.resolve()),
});
