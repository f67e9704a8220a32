/** What a row promises: at least, or at most, of its value or of its ratio to the baseline. */
export interface Goal {
  readonly of: "value" | "ratio";
  readonly bound: "least" | "most";
  readonly number: number;
}

/** One measured number, beside the same work without the product where there is such a thing. */
export interface Row {
  readonly name: string;
  readonly unit: string;
  /** The median over the rounds. */
  readonly value: number;
  readonly baseline?: { readonly name: string; readonly value: number };
  /** `value / baseline.value`. */
  readonly ratio?: number;
  readonly goals: readonly Goal[];
  /** What this row was measured with, where that is not plain from its name. */
  readonly note?: string;
}

/** A group of rows that share what they are measured on. */
export interface Bench {
  readonly name: string;
  readonly run: (options: BenchOptions) => Promise<readonly Row[]>;
}

export interface BenchOptions {
  /** At least five, for a number that is compared with a goal. */
  readonly rounds: number;
  /** PostgreSQL's `commit_delay` in microseconds; 1,000 stands for an ordinary SSD. */
  readonly commitDelay: number;
}

export const least = (number: number, of: Goal["of"] = "ratio"): Goal => ({
  of,
  bound: "least",
  number,
});
export const most = (number: number, of: Goal["of"] = "value"): Goal => ({
  of,
  bound: "most",
  number,
});

/** True if a row keeps a goal. A goal on a ratio that was not measured is missed. */
export const meets = (row: Row, goal: Goal): boolean => {
  const measured = goal.of === "ratio" ? row.ratio : row.value;
  if (measured === undefined) return false;
  return goal.bound === "least" ? measured >= goal.number : measured <= goal.number;
};
