import type { Ledger } from "@bulkhead/ledger";
import type { Elsewhere } from "@bulkhead/policy";

/** Finds the servers of other regions by the configuration's addresses and the ledger's directory. */
export const elsewhereIn = (
  regions: Readonly<Record<string, string>>,
  directory: Pick<Ledger["directory"], "find">,
): Elsewhere => {
  const addressIn = (region: string): string | undefined =>
    Object.hasOwn(regions, region) ? regions[region] : undefined;
  const alone = Object.keys(regions).length === 0;
  return {
    addressIn,
    addressOf: async (named) => {
      if (alone) return undefined;
      const found = await directory.find(named);
      return found && addressIn(found.region);
    },
  };
};
