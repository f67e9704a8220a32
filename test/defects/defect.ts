/** One fault put into the product on purpose: a rule that the suites have to notice the breach of. */
export interface Defect {
  readonly name: string;
  /** What no longer holds with it. */
  readonly breaks: string;
  /** From the repository's root. */
  readonly file: string;
  /** There exactly once. */
  readonly before: string;
  readonly after: string;
  /** Files of tests of which at least one has to fail, the quickest first. */
  readonly suites: readonly string[];
}
