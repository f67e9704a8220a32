import type { Capability } from "@bulkhead/contract";
import type { Bench } from "./bench.ts";

/** What a case may depend on: a capability that is declared, or that the storage tells spellings apart. */
export type Need =
  | { [K in keyof Capability]: Capability[K] extends boolean ? K : never }[keyof Capability]
  | "distinctSpellings";

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
