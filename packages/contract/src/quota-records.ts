import type { Limits } from "./plans.ts";

/** What a tenant may have and what it has. */
export interface Quota {
  readonly plan: string | null;
  readonly features: readonly string[];
  /** What it is held to. */
  readonly limits: Limits;
  /** What its plan includes, and over that its own limits: what is billed beyond a limit is not held to it. */
  readonly included: Limits;
  /** Its own limits, which count more than its plan's. */
  readonly overrides: Limits;
  readonly soft: Limits;
  readonly used: Readonly<Record<string, number>>;
  /** By those who write at the moment. */
  readonly reserved: { readonly bytes: number; readonly files: number };
}

/** What became of a counter. `current` is what there is then. */
export type CounterState =
  | { readonly state: "unconfigured" }
  | {
      readonly state: "done" | "exceeded" | "negative";
      readonly current: number;
      readonly limit: number | null;
    };

/** A change of what a tenant may have. */
export interface QuotaPatch {
  /** The tenant's own limits; null is unlimited. */
  readonly limits: Limits;
  readonly soft: Limits;
  /** Limits of the tenant's own that give way to its plan's. */
  readonly dropped: readonly string[];
}
