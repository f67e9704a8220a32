export * from "./embedded/index.ts";
export { type KeyString, hashKey, keyIdOf, mintKeyString } from "./key-string.ts";
export { migrate } from "./migrate.ts";
export { type LedgerOptions, openLedger } from "./open-ledger.ts";
export * from "./types.ts";
export * from "./types-relations.ts";
export * from "./types-shares.ts";
export * from "./types-trees.ts";
export * from "./types-work.ts";
