import type { Ledger } from "@bulkhead/ledger";
import {
  checkHere,
  type ChosenPlacement,
  type Elsewhere,
  type PlacementWish,
} from "@bulkhead/policy";
import { choosePlacement } from "./choose-placement.ts";
import { elsewhereIn } from "./elsewhere.ts";
import type { BackendSpec, PlacementSpec } from "./mount-spec.ts";

export interface RegionOptions {
  /** The region that the ledger is in. */
  readonly region: string | undefined;
  /** The addresses of other regions' servers, by name. */
  readonly regions?: Readonly<Record<string, string>> | undefined;
  /** True if what is known of files may be outside a tenant's regions, though their content may not. */
  readonly metadataAnywhere?: boolean | undefined;
}

export interface Regions {
  readonly elsewhere: Elsewhere;
  readonly place: (wish: PlacementWish) => ChosenPlacement;
  /** Looks a tenant up for those who may see all: one of another region's server is told as such. */
  readonly get: Ledger["tenants"]["get"];
}

/** Where tenants and their files are, in this server's region and the others. */
export const openRegions = (
  options: RegionOptions & {
    readonly placements: Readonly<Record<string, PlacementSpec>>;
    readonly backends?: Readonly<Record<string, BackendSpec>> | undefined;
    readonly defaultPlacement: string;
  },
  ledger: Pick<Ledger, "directory" | "tenants">,
): Regions => {
  const { placements, defaultPlacement, region: ledgerRegion } = options;
  const elsewhere = elsewhereIn(options.regions ?? {}, ledger.directory);
  return {
    elsewhere,
    place: choosePlacement({
      placements,
      backends: options.backends ?? {},
      defaultPlacement,
      ledgerRegion,
      metadataAnywhere: options.metadataAnywhere ?? false,
      elsewhere,
    }),
    get: async (id) => {
      const found = await ledger.tenants.get(id);
      if (found === undefined) await checkHere(elsewhere, { tenant: id });
      return found;
    },
  };
};
