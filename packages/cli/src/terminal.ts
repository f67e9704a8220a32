import type { Readable, Writable } from "node:stream";

/** All that a run of the command touches of the process around it. */
export interface Terminal {
  readonly stdin: Readable;
  readonly stdout: Writable;
  readonly stderr: Writable;
  /** Which of the three are a terminal: decides on prompts, colours and progress bars. */
  readonly isTTY: { readonly stdin: boolean; readonly stdout: boolean; readonly stderr: boolean };
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Where relative local names begin. */
  readonly cwd: string;
  /** Ends the run: transfers stop, nothing half-written stays. */
  readonly signal?: AbortSignal;
  /** The platform's own by default. */
  readonly fetch?: typeof globalThis.fetch;
}
