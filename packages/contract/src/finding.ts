/** How a look at one thing ended: as it should be, worth a look, what keeps a server from working, or not looked at. */
export type FindingState = "ok" | "warning" | "failed" | "skipped";

/** What was found where somebody looked for the cause of a trouble. */
export interface Finding {
  /** What was looked at: `disk`, `database`. */
  readonly check: string;
  readonly state: FindingState;
  /** What it is like, and where it is bad, the cause; never a secret. */
  readonly detail: string;
  /** What to do about it. */
  readonly next?: string | undefined;
}
