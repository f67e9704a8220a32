import type { Backend } from "@bulkhead/contract";

/** What a runner may hand to a case: both `node:test` and vitest let it be skipped from within. */
export interface CaseContext {
  readonly skip?: (reason?: string) => unknown;
}

/** The two functions of a test runner that the suite needs; `node:test`, vitest and mocha-like runners have them. */
export interface Runner {
  readonly describe: (name: string, body: () => void) => unknown;
  readonly it: (name: string, body: (context: CaseContext) => Promise<void>) => unknown;
}

/** A backend that is empty and nobody else's, with what the suite needs to know when a case is over. */
export interface Opened {
  readonly backend: Backend;
  /** Frees what `open` made. The suite closes the backend before it. */
  readonly close?: () => Promise<void>;
  /** Answers whether nothing is left where the backend stages content; asked after every case. */
  readonly scratchIsEmpty?: () => Promise<boolean>;
}

/** The backend under test. */
export interface Subject {
  readonly name: string;
  /** Opens a fresh, empty backend for every case. */
  readonly open: () => Promise<Opened>;
  /** False where the storage cannot hold two spellings that differ in case or normalisation. True by default. */
  readonly distinctSpellings?: boolean;
  /**
   * `inside` where effects are commits of the ledger itself, which asks `commit` only if a revision moved; by default
   * `asked`: once before every effect.
   */
  readonly commits?: "asked" | "inside";
  /** Ends a case that hangs, in milliseconds; 15,000 by default. */
  readonly timeoutMs?: number;
  /** Steers the random sequences; a fixed number by default, so that a failure repeats. */
  readonly seed?: number;
}
