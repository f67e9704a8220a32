export type * from "./ledger-commit.ts";
export { versioned, type VersionedBackend, type VersionedOptions } from "./versioned.ts";
