import { FileError, type Principal, type Revision, type TenantRef } from "@bulkhead/contract";
import { checkServing } from "./decision.ts";
import { checkHere, type Elsewhere } from "./elsewhere.ts";

/** Which subdomain is whose, in the ledger. */
export interface Subdomains {
  readonly tenantOf: (subdomain: string) => Promise<TenantRef | undefined>;
  readonly subdomainOf: (uid: string) => Promise<string | undefined>;
}

interface Known {
  readonly epoch: string;
  readonly n: number;
  readonly subdomain: string | undefined;
}

/** Of how many tenants it is kept. */
const most = 10_000;

export const mismatch = (): FileError =>
  new FileError("tenant-mismatch", "The tenant named by the request is not the key's.");

/**
 * Compares the subdomain that a request came by with the key's tenant. A tenant's subdomain moves its revision, so that it
 * is looked up once for each. Throws `tenant-mismatch`, one answer for every other subdomain, whose or nobody's; for the
 * platform's key, which has no tenant, resolves with the tenant named, and rejects with `not-found` if there is none.
 */
export const subdomainAgrees = (
  subdomains: Subdomains,
  elsewhere: Pick<Elsewhere, "addressOf">,
): ((
  principal: Principal,
  revisions: readonly Revision[],
  subdomain: string | undefined,
) => Promise<string | undefined>) => {
  const known = new Map<string, Known>();

  const own = async (uid: string, at: Revision | undefined): Promise<string | undefined> => {
    const before = known.get(uid);
    if (at !== undefined && before?.epoch === at.epoch && before.n === at.n)
      return before.subdomain;
    const subdomain = await subdomains.subdomainOf(uid);
    if (at !== undefined) {
      if (known.size >= most) known.clear();
      known.set(uid, { epoch: at.epoch, n: at.n, subdomain });
    }
    return subdomain;
  };

  return async (principal, revisions, subdomain) => {
    if (subdomain === undefined) return undefined;
    if (principal.kind !== "platform") {
      const uid = principal.tenant?.uid ?? "";
      const at = revisions.find(({ tenant }) => tenant === uid);
      if ((await own(uid, at)) !== subdomain) throw mismatch();
      return undefined;
    }
    const tenant = await subdomains.tenantOf(subdomain);
    if (tenant === undefined) {
      await checkHere(elsewhere, { subdomain });
      throw new FileError("not-found", "There is no such tenant.");
    }
    checkServing(tenant, { ...principal, kind: "identity" });
    return tenant.id;
  };
};
