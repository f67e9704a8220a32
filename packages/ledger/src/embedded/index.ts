export { type Binaries, findBinaries } from "./binaries.ts";
export { findRunning } from "./find-running.ts";
export { type DataDirLock, dataDirHolder, lockDataDir } from "./lock-data-dir.ts";
export { type EmbeddedOptions, type EmbeddedPostgres, startEmbedded } from "./start-embedded.ts";
export { isRunning, type ProcessStart, processStart } from "./process-start.ts";
