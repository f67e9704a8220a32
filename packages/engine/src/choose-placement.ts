import { FileError, type MountRegion } from "@bulkhead/contract";
import {
  type ChosenPlacement,
  type Elsewhere,
  type PlacementWish,
  wrongRegion,
} from "@bulkhead/policy";
import type { BackendSpec, BucketsSpec, PlacementSpec } from "./mount-spec.ts";

export interface ChoosePlacementOptions {
  readonly placements: Readonly<Record<string, PlacementSpec>>;
  /** What placements' buckets are reached by. */
  readonly backends: Readonly<Record<string, BackendSpec>>;
  readonly defaultPlacement: string;
  /** Where the ledger is, and with it every storage that says nothing else. */
  readonly ledgerRegion: string | undefined;
  /** True if what is known of files, their names among it, may be outside a tenant's regions. */
  readonly metadataAnywhere: boolean;
  readonly elsewhere: Pick<Elsewhere, "addressIn">;
}

const nameOf = (region: MountRegion | undefined): string | undefined =>
  region === undefined || typeof region === "string" ? region : region.attested;

/**
 * Chooses the placement of a new tenant: those of its plan first, then the default, then the others as they are written
 * down; the first that is in its regions. Throws `residency` where none is, and where the ledger itself is in none.
 */
export const choosePlacement =
  (options: ChoosePlacementOptions) =>
  ({ plan, region, allowedRegions }: PlacementWish): ChosenPlacement => {
    const { placements, defaultPlacement, ledgerRegion, elsewhere } = options;
    const known = new Set(Object.values(placements).map((spec) => nameOf(spec.region)));
    if (region !== undefined && region !== ledgerRegion && !known.has(region)) {
      const address = elsewhere.addressIn(region);
      if (address !== undefined) throw wrongRegion(address);
    }
    const isFor = ({ plans }: PlacementSpec): boolean =>
      plan !== undefined && plans?.includes(plan) === true;
    const bucketRegion = ({ backend }: BucketsSpec): string | undefined =>
      nameOf(options.backends[backend]?.region);
    const names = Object.keys(placements);
    const ordered = [
      ...names.filter((name) => isFor(placements[name] ?? never(name))),
      defaultPlacement,
      ...names.filter((name) => placements[name]?.plans === undefined),
    ];
    if (allowedRegions !== undefined && !options.metadataAnywhere)
      if (ledgerRegion === undefined || !allowedRegions.includes(ledgerRegion))
        throw new FileError(
          "residency",
          ledgerRegion === undefined
            ? "This server does not say which region its ledger is in; configure its region."
            : "The tenant's regions exclude the one that this server's ledger is in.",
        );
    for (const name of ordered) {
      const here = nameOf(placements[name]?.region) ?? ledgerRegion;
      if (region !== undefined && here !== region) continue;
      const { buckets } = placements[name] ?? never(name);
      // Its buckets hold its files as well.
      const all = buckets === undefined ? [here] : [here, bucketRegion(buckets) ?? ledgerRegion];
      const isAllowed = (one: string | undefined): boolean =>
        allowedRegions === undefined || (one !== undefined && allowedRegions.includes(one));
      if (!all.every(isAllowed)) continue;
      return { placement: name, region: here };
    }
    throw new FileError("residency", "This server has no storage in the tenant's regions.");
  };

const never = (name: string): never => {
  throw new Error(`There is no placement '${name}'.`);
};
