import type { Context } from "./context.ts";
import type { PageOf, PageQuery } from "./records.ts";

/** Whether something is where it has to be: as the storage itself says, as the operator says, or not. */
export type ResidencyState = "verified" | "unverified" | "violated" | "unreachable";

/**
 * One file, and where its content and what is known of it are; `versions` are its earlier contents together, `removed`
 * all contents of one that was removed there, and a storage that does not answer is one entry of the kind `mount`.
 */
export interface ResidencyItem {
  readonly path: string;
  readonly kind: "file" | "versions" | "removed" | "mount";
  readonly size: number | null;
  readonly content: { readonly region: string | null; readonly state: ResidencyState };
  readonly metadata: { readonly region: string | null; readonly state: ResidencyState };
}

export interface ResidencyControl {
  /** Looks where each file of a tenant is, by pages: for the platform key, and for who administers the whole tenant. */
  readonly verify: (
    ctx: Context,
    tenant: string,
    query: PageQuery,
  ) => Promise<PageOf<ResidencyItem>>;
}
