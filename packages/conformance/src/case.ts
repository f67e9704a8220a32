import type { Capability } from "@bulkhead/contract";
import type { Bench } from "./bench.ts";

/**
 * What a case may depend on: a capability that is declared, that the storage tells spellings apart, or that it asks
 * `commit` before every effect.
 */
export type Need =
  | { [K in keyof Capability]: Capability[K] extends boolean ? K : never }[keyof Capability]
  | "distinctSpellings"
  | "commitAsked";

/** One thing that every backend does alike. */
export interface Case {
  readonly name: string;
  readonly needs?: readonly Need[];
  readonly run: (t: Bench) => Promise<void>;
}

/** The cases about one subject. */
export interface Topic {
  readonly name: string;
  readonly cases: readonly Case[];
}
