/** A table's rows in a file of their own, in PostgreSQL's COPY text format. */
export interface DumpedTable {
  readonly name: string;
  readonly columns: readonly string[];
  readonly file: string;
  readonly rows: number;
  readonly bytes: number;
  /** Of the file, in hex. */
  readonly sha256: string;
}

/** All that a ledger is, but for the rows in the tables' files. */
export interface LedgerDump {
  readonly id: string;
  /** Names the master key without which nothing sealed in it can be opened. */
  readonly fingerprint: string | undefined;
  readonly epoch: string;
  /** When the one snapshot was taken that all tables are of, in milliseconds since the epoch, by the ledger's clock. */
  readonly takenAt: number;
  /** The steps of its schema. */
  readonly schema: readonly { readonly version: number; readonly hash: string }[];
  /** In an order in which they can be filled. */
  readonly tables: readonly DumpedTable[];
  readonly partitions: readonly {
    readonly name: string;
    readonly parent: string;
    readonly bounds: string;
  }[];
  readonly sequences: readonly { readonly name: string; readonly last: string | undefined }[];
}
