export { type DumpOptions, dumpLedger } from "./dump-ledger.ts";
export { linesOf } from "./lines-of.ts";
export {
  checkEmpty,
  checkLoadable,
  dropLedger,
  loadLedger,
  type LoadOptions,
} from "./load-ledger.ts";
export { type LedgerLook, lookAtLedger } from "./look-at-ledger.ts";
export { readTable } from "./read-table.ts";
export type { DumpedTable, LedgerDump } from "./types.ts";
