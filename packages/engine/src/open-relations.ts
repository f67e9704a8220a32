import type { VirtualPath } from "@bulkhead/contract";
import type { Ledger } from "@bulkhead/ledger";
import type { Authority, Relations } from "@bulkhead/policy";
import { loadInSlices } from "@bulkhead/rebac";
import { authorityOf } from "./authority.ts";
import type { Closers } from "./closers.ts";
import { entering } from "./entering.ts";
import { graphs } from "./graphs.ts";
import { relationFacts } from "./relation-facts.ts";
import type { RootsTable } from "./roots.ts";
import { type ShareDoor, shareDoor } from "./share-door.ts";
import { standings } from "./standings.ts";

export interface RelationOptions {
  readonly ledger: Ledger;
  readonly roots: RootsTable;
  readonly namespaceRoots: readonly string[];
  readonly tenantAt: (path: VirtualPath) => string | undefined;
  /** How many bytes of relations are kept in memory; 256 MiB by default. */
  readonly graphBytes: number | undefined;
}

/** Who may what, from the ledger's relations: admissions with what relations give, questions, and shares. */
export interface OpenRelations {
  readonly authority: Authority;
  readonly relations: Relations;
  readonly sharing: ShareDoor;
}

const defaultBytes = 256 * 1024 * 1024;

export const openRelations = (
  { ledger, roots, namespaceRoots, tenantAt, graphBytes = defaultBytes }: RelationOptions,
  opened: Closers,
): OpenRelations => {
  const held = graphs({ store: ledger.relations, build: loadInSlices, maxBytes: graphBytes });
  opened.add(async () => held.close());
  const { revisions } = ledger.relations;
  const standing = standings({ graphs: held, revisions, tenantAt });
  const enter = entering(standing);
  return {
    authority: authorityOf({ ledger, roots, standings: standing, enter }),
    relations: relationFacts(held, revisions),
    sharing: shareDoor({
      shares: ledger.shares,
      tenants: ledger.tenants,
      revisions,
      roots,
      namespaceRoots,
      enter,
    }),
  };
};
