import {
  isUnder,
  permissionBits,
  type Principal,
  type Revision,
  type Standing,
  type Subject,
  type TenantRef,
  type Verdict,
  type VirtualPath,
} from "@bulkhead/contract";
import type { RelationStore } from "@bulkhead/ledger";
import type { FileGraph } from "@bulkhead/rebac";
import type { Graphs } from "./graphs.ts";

export interface StandingsOptions {
  readonly graphs: Pick<Graphs, "at">;
  readonly revisions: RelationStore["revisions"];
  /** The uid of the tenant on whose ground a path lies. */
  readonly tenantAt: (path: VirtualPath) => string | undefined;
}

/** What a subject may, and where beyond its tenant's roots relations name it. */
export interface Stood {
  readonly standing: Standing;
  readonly foreign: readonly VirtualPath[];
}

/** Says where a subject of a tenant stands, on relations at least as new as `revision`, by the ledger's clock at `now`. */
export type Standings = (
  tenant: Pick<TenantRef, "uid">,
  subject: Subject,
  revision: Revision,
  now: number,
) => Promise<Stood>;

const nothing: Verdict = { mask: 0, leads: false, until: Infinity, indeterminate: false };
/** What a relation can give to a subject of another tenant. */
const abroad = permissionBits.can_read | permissionBits.can_write;

interface Opened {
  readonly graph: FileGraph;
  readonly revision: Revision;
}

export const standings =
  ({ graphs, revisions, tenantAt }: StandingsOptions): Standings =>
  async (tenant, { type, id }, revision, now) => {
    const at = graphs.at(revision);
    const own = at instanceof Promise ? await at : at;
    const closure = own.closureOf({ tenant: tenant.uid, type, id }, now);
    // Held for as long as the request lasts, whatever is evicted meanwhile.
    const opened = new Map<string, Opened>();

    const open = async (uid: string): Promise<void> => {
      const [latest] = await revisions([uid]);
      if (latest === undefined) return;
      opened.set(uid, { graph: await graphs.at(latest), revision: latest });
    };
    const graphAt = (path: VirtualPath): FileGraph | undefined => {
      const uid = tenantAt(path);
      if (uid === undefined) return undefined;
      return uid === tenant.uid ? own : opened.get(uid)?.graph;
    };
    const lasting = (verdict: Verdict): Verdict =>
      closure.until < verdict.until ? { ...verdict, until: closure.until } : verdict;
    const limited = (graph: FileGraph, verdict: Verdict): Verdict =>
      lasting(graph === own ? verdict : { ...verdict, mask: verdict.mask & abroad });

    return {
      foreign: own.foreign(closure, now),
      standing: {
        admin: closure.admin,
        reach: (path) => {
          const uid = tenantAt(path);
          if (uid === undefined || uid === tenant.uid || opened.has(uid)) return undefined;
          return open(uid);
        },
        revisionsOf: (paths) => {
          if (opened.size === 0) return [];
          const uids = new Set(paths.map(tenantAt));
          return [...opened].flatMap(([uid, other]) => (uids.has(uid) ? [other.revision] : []));
        },
        verdict: (path) => {
          const graph = graphAt(path);
          return graph === undefined ? nothing : limited(graph, graph.check(closure, path, now));
        },
        listing: (directory) => {
          const graph = graphAt(directory);
          if (graph === undefined) return () => nothing;
          return graph.listing(closure, directory, now);
        },
        closedBelow: (path) => graphAt(path)?.blockedBelow(closure, path, now) === true,
        unblocks: (from, to) =>
          graphAt(from)
            ?.blocksAbove(from, now)
            .some((place) => !isUnder(place, to)) === true,
      },
    };
  };

/** The principal of a key without a prefix, with what relations give its subject. */
export const withStanding = (principal: Principal, { standing, foreign }: Stood): Principal => ({
  ...principal,
  standing,
  reach: {
    home: principal.reach.home,
    bounds: [...principal.reach.bounds, ...foreign],
  },
});
