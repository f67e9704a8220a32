import type { Context } from "./context.ts";
import type { PageOf, PageQuery } from "./records.ts";

/** A tenant that the server of another region serves. */
export interface DirectoryInput {
  readonly tenant: string;
  /** A name of the configuration's `regions`. */
  readonly region: string;
  readonly subdomain?: string | undefined;
}

/** The same as it is kept. Times are milliseconds since the epoch. */
export interface DirectoryEntry {
  readonly tenant: string;
  readonly region: string;
  readonly subdomain: string | null;
  readonly createdAt: number;
  readonly updatedAt: number;
}

/** Where tenants of other regions are: what asks for one here is told `wrong-region` and the address. Platform key. */
export interface DirectoryControl {
  readonly list: (ctx: Context, query: PageQuery) => Promise<PageOf<DirectoryEntry>>;
  readonly get: (ctx: Context, tenant: string) => Promise<DirectoryEntry>;
  /** Makes an entry, or puts another in its place. */
  readonly put: (ctx: Context, input: DirectoryInput) => Promise<DirectoryEntry>;
  readonly remove: (ctx: Context, tenant: string) => Promise<void>;
}
