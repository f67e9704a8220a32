import type { Authority as Keys } from "@bulkhead/ledger";
import type { Admission, Authority } from "@bulkhead/policy";
import type { RootsTable } from "./roots.ts";

export interface AuthorityOptions {
  readonly keys: Keys;
  readonly roots: Pick<RootsTable, "catchUp">;
}

/** Admits keys on a mount table at least as new as what the ledger said of the key: nobody decides on an older one. */
export const authorityOf = ({ keys, roots }: AuthorityOptions): Authority => {
  const stand = async (admission: Admission): Promise<Admission> => {
    await roots.catchUp(admission.revisions[0]);
    return admission;
  };
  return {
    admit: async (credential) => stand(await keys.admit(credential)),
    readmit: async ({ keyId }) => stand(await keys.readmit(keyId)),
  };
};
