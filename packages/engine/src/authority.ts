import {
  FileError,
  isUnder,
  parseVirtualPath,
  type Principal,
  type Revision,
  type Subject,
  type TenantRef,
  unauthenticated,
} from "@bulkhead/contract";
import type { Ledger } from "@bulkhead/ledger";
import { type Acting, actingFor, type Admission, type Authority, narrow } from "@bulkhead/policy";
import type { Entering } from "./entering.ts";
import type { RootsTable } from "./roots.ts";
import { type Standings, withStanding } from "./standings.ts";

export interface AuthorityOptions {
  readonly ledger: Pick<Ledger, "authority" | "keys" | "tenants" | "subjects" | "relations">;
  readonly roots: Pick<RootsTable, "catchUp" | "rootsOf">;
  readonly standings: Standings;
  readonly enter: Entering;
}

/** Of how many keys that minted others it is kept whose they are. */
const mostHolders = 10_000;

/**
 * Admits keys on a mount table and on relations at least as new as what the ledger said of the key: whoever has a
 * context decides on nothing older.
 */
export const authorityOf = ({ ledger, roots, standings, enter }: AuthorityOptions): Authority => {
  /** Relations of other tenants reach whom nothing cut down: a part of the tenant's roots is all of such a key's bounds. */
  const isWhole = ({ reach, tenant }: Principal): boolean =>
    tenant !== undefined &&
    roots
      .rootsOf(tenant.uid)
      .every(({ path }) => reach.bounds.some((bound) => isUnder(bound, path)));

  // Whose a key is never changes.
  const holders = new Map<string, Subject>();
  const holderOf = async (id: string): Promise<Subject | undefined> => {
    const known = holders.get(id) ?? (await ledger.keys.get(id))?.subject;
    if (known === undefined) return undefined;
    if (holders.size >= mostHolders) holders.clear();
    holders.set(id, known);
    return known;
  };

  /** A key for a part of the tree is given by an admin, and ends with its being one: nobody keeps what it may no more give. */
  const checkMinter = async (
    id: string,
    tenant: Pick<TenantRef, "uid">,
    revision: Revision,
    now: number,
  ): Promise<void> => {
    const holder = await holderOf(id);
    if (holder === undefined) throw unauthenticated();
    const { standing } = await standings(tenant, holder, revision, now);
    if (!standing.admin) throw unauthenticated();
  };

  const stand = async (admission: Admission): Promise<Admission> => {
    // Every later decision is made on a mount table at least as new as the key's revisions.
    await roots.catchUp(admission.revisions[0]);
    const { principal, revisions, now } = admission;
    const { tenant, mintedBy } = principal;
    const isIdentity = principal.kind === "identity";
    if (tenant === undefined || !(isIdentity || mintedBy !== undefined)) return admission;
    const revision = revisions.find((candidate) => candidate.tenant === tenant.uid);
    if (revision === undefined) return admission;
    if (!isIdentity) {
      for (const id of mintedBy ?? []) await checkMinter(id, tenant, revision, now);
      return admission;
    }
    const stood = await standings(tenant, principal.subject, revision, now);
    return {
      ...admission,
      principal: withStanding(principal, isWhole(principal) ? stood : { ...stood, foreign: [] }),
    };
  };

  /** The bounds and the relations become the subject's; the scopes and the end stay the key's. */
  const actAs = async (
    { principal, revisions, now }: Admission,
    { subject, tenant }: Acting,
  ): Promise<Admission> => {
    const { uid, id, status } = tenant;
    const held = revisions.find((candidate) => candidate.tenant === uid);
    const [revision = held] = held === undefined ? await ledger.relations.revisions([uid]) : [held];
    const bounds = tenant.roots.map(parseVirtualPath);
    const [home] = bounds;
    if (revision === undefined || home === undefined)
      throw new FileError("not-found", "There is no such tenant.");
    const stood = await standings(tenant, subject, revision, now);
    const { keyId, scopes, expiresAt, kind } = principal;
    return {
      now,
      revisions:
        held === undefined
          ? [...revisions, { tenant: uid, epoch: revision.epoch, n: revision.n }]
          : revisions,
      principal: withStanding(
        {
          kind: "identity",
          keyId,
          tenant: { uid, id, status },
          subject,
          scopes,
          reach: { home, bounds },
          expiresAt,
          acting: { subject: `${subject.type}:${subject.id}`, tenant: id },
          holder: { kind, subject: principal.subject, tenant: principal.tenant },
        },
        stood,
      ),
    };
  };

  const actFor: Authority["actFor"] = async (admission, as, namespace) =>
    actAs(admission, await actingFor(ledger, admission.principal, as, namespace));

  return {
    admit: async (credential) => stand(await ledger.authority.admit(credential)),
    actFor,
    readmit: async ({ keyId, acting, narrowedTo, via }, seen) => {
      let admission = await stand(await ledger.authority.readmit(keyId, seen));
      if (acting !== undefined) admission = await actFor(admission, acting.subject, acting.tenant);
      let { principal } = admission;
      if (narrowedTo !== undefined) principal = narrow(principal, narrowedTo);
      if (via !== undefined)
        principal = await enter(principal, admission.revisions, admission.now, via);
      return { ...admission, principal };
    },
  };
};
