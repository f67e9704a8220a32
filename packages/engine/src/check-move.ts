import { FileError, type TenantRecord } from "@bulkhead/contract";
import type { PlacementSpec } from "./mount-spec.ts";
import type { RootsTable } from "./roots.ts";

export interface CheckMoveOptions {
  readonly placements: Readonly<Record<string, PlacementSpec>>;
  readonly roots: Pick<RootsTable, "catchUp" | "rootsOf">;
  /** The region that the ledger is in. */
  readonly ledgerRegion: string | undefined;
}

const refuse = (code: "invalid-request" | "residency" | "conflict", text: string): never => {
  throw new FileError(code, text, { retry: "never" });
};

const regionOf = ({ region }: PlacementSpec): string | undefined =>
  typeof region === "string" ? region : region?.attested;

/** Rejects where what a tenant's roots stand on cannot be moved to a placement, or may not. */
export const checkMove =
  ({ placements, roots, ledgerRegion }: CheckMoveOptions) =>
  async (tenant: TenantRecord, placement: string): Promise<void> => {
    const versioned = (name: string): PlacementSpec => {
      const spec = placements[name];
      if (spec === undefined) return refuse("invalid-request", `There is no placement '${name}'.`);
      if (spec.backend !== "versioned" || spec.readOnly)
        return refuse(
          "invalid-request",
          `The placement '${name}' keeps no versions; a tenant moves from one that does to one that does.`,
        );
      return spec;
    };
    const target = versioned(placement);
    if (tenant.status === "provisioning") refuse("conflict", "The tenant is still being set up.");
    const region = regionOf(target);
    if (region !== undefined && tenant.allowedRegions?.includes(region) === false)
      refuse("residency", "The tenant's regions exclude the one of that placement.");
    await roots.catchUp(undefined);
    for (const root of roots.rootsOf(tenant.uid)) {
      const source = versioned(root.placement);
      const rows = (spec: PlacementSpec): boolean =>
        regionOf(spec) === undefined || regionOf(spec) === ledgerRegion;
      if (rows(source) && !rows(target))
        refuse(
          "residency",
          "Short content of this tenant lies in the ledger, which is in another region than that placement; import its tree into a tenant there instead.",
        );
    }
  };
