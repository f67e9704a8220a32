import type { Control } from "@bulkhead/contract";
import type { Ledger } from "@bulkhead/ledger";
import {
  type Audited,
  type Authority,
  directoryControl,
  type Elsewhere,
  type Grounds,
  mountControl,
  type MountStore,
  residencyControl,
  type TenantStore,
} from "@bulkhead/policy";
import { residencyOf } from "./residency-of.ts";
import type { RootsTable } from "./roots.ts";

export interface PlaceControlOptions {
  readonly ledger: Pick<Ledger, "directory" | "tenants" | "trees">;
  readonly authority: Authority;
  readonly asks: Audited;
  readonly tenantStore: Pick<TenantStore, "get">;
  readonly grounds: Grounds;
  readonly mounts: MountStore;
  readonly elsewhere: Elsewhere;
  readonly roots: Pick<RootsTable, "table" | "catchUp">;
  readonly region: string | undefined;
}

/** Where tenants and their files are, and are to be. */
export const placeControls = (
  options: PlaceControlOptions,
): Pick<Control, "mounts" | "directory" | "residency"> => {
  const { ledger, authority, asks: audited, roots, elsewhere } = options;
  return {
    mounts: mountControl({
      authority,
      tenants: ledger.tenants,
      mounts: options.mounts,
      grounds: options.grounds,
      audited,
    }),
    directory: directoryControl({ directory: ledger.directory, elsewhere, audited }),
    residency: residencyControl({
      tenants: options.tenantStore,
      look: residencyOf({ roots, trees: ledger.trees, ledgerRegion: options.region }),
      audited,
    }),
  };
};
