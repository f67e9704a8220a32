/** What is at a path of plain storage once an effect is certain. Paths are backend paths. */
export type Fact =
  | {
      readonly is: "file";
      readonly path: string;
      readonly size: number;
      readonly etag: string | undefined;
    }
  /** Nothing is there, nor below. */
  | { readonly is: "gone"; readonly path: string }
  /** No file; what lies below is charged already. */
  | { readonly is: "directory"; readonly path: string }
  /** What was charged at `from` and below lies at `path` now. */
  | { readonly is: "moved"; readonly from: string; readonly path: string }
  /** What is charged below `from` lies below `path` too, and is so much. */
  | {
      readonly is: "copied";
      readonly from: string;
      readonly path: string;
      readonly files: number;
      readonly bytes: number;
    }
  /** So much more is stored than before, wherever. */
  | { readonly is: "added"; readonly files: number; readonly bytes: number };

/** How an intent is charged when it is settled. */
export interface Charge {
  readonly facts: readonly Fact[];
  /** Settled in a transaction of its own: relations may follow, or many rows change. */
  readonly alone: boolean;
}

/** `gone`: settled before. `look`: nothing happened, since the facts do not fit what is charged; look at the storage. */
export type SettledAs = "settled" | "gone" | "look";

/** A file that was found. */
export interface FoundFile {
  readonly path: string;
  readonly size: number;
  readonly etag: string | undefined;
}

export interface Counted {
  readonly bytes: number;
  readonly files: number;
}

/** What plain storage is charged with, file by file. A tenant is a uid; undefined is the platform. */
export interface Accounted {
  /** True if the mount was counted for that tenant; what others were charged for it is taken off them. */
  readonly open: (mount: string, tenant: string | undefined) => Promise<boolean>;
  /** The first count is whole. */
  readonly counted: (mount: string, tenant: string | undefined) => Promise<void>;
  /** Charges what was found between two paths, both exclusive in byte order, and nothing else there. */
  readonly set: (
    mount: string,
    tenant: string | undefined,
    low: string,
    high: string,
    found: readonly FoundFile[],
  ) => Promise<void>;
  /** What is charged, in byte order of the paths, behind `after`. */
  readonly page: (
    mount: string,
    after: string,
    limit: number,
  ) => Promise<readonly { readonly path: string; readonly size: number }[]>;
  /** What is charged at exactly those paths. */
  readonly sizes: (mount: string, paths: readonly string[]) => Promise<ReadonlyMap<string, number>>;
  /** A tenant's counters, and the sum of what it is charged with, plain storage and trees; undefined if there is none. */
  readonly usage: (
    tenant: string | undefined,
  ) => Promise<{ readonly counted: Counted; readonly charged: Counted } | undefined>;
}
