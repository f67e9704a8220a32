export { exitCodes, exits } from "./exit-codes.ts";
export { run } from "./run.ts";
export type { Terminal } from "./terminal.ts";
export { type Answered, transcriptOf } from "./verify/transcript.ts";
