import {
  type Context,
  parseVirtualPath,
  type Revision,
  type VirtualPath,
} from "@bulkhead/contract";
import type { RelationStore, ShareStore, LedgerTenants } from "@bulkhead/ledger";
import { groundOf, type SharedPlace, type ShareOptions } from "@bulkhead/policy";
import { isNearShares, resolveShare, type SharePoint } from "@bulkhead/vfs";
import type { Entering } from "./entering.ts";
import type { RootsTable } from "./roots.ts";

export interface ShareDoorOptions {
  readonly shares: Pick<ShareStore, "list">;
  readonly tenants: Pick<LedgerTenants, "byUid">;
  readonly revisions: RelationStore["revisions"];
  readonly roots: Pick<RootsTable, "rootAt">;
  readonly namespaceRoots: readonly string[];
  readonly enter: Entering;
}

/** Where shares lead; who is counted for it is decided elsewhere. */
export type ShareDoor = Omit<ShareOptions<SharePoint>, "draw">;

interface Point extends SharePoint {
  readonly expiresAt: number | undefined;
}

/** What a tenant was given, as of a revision of it. */
interface Held {
  readonly revision: Revision;
  readonly root: VirtualPath | undefined;
  readonly points: readonly Point[];
}

/** Of how many tenants it is kept. */
const mostTenants = 1000;

/** Finds the shares that a path leads through, on facts as new as the request's admission. */
export const shareDoor = (options: ShareDoorOptions): ShareDoor => {
  const { shares, tenants, revisions, roots, namespaceRoots, enter } = options;
  const held = new Map<string, Held>();

  const load = async (revision: Revision): Promise<Held> => {
    const { tenant: target } = revision;
    const points: Point[] = [];
    const owners = new Map<string, string>();
    const root = (await tenants.byUid(target))?.roots[0];
    let after: string | undefined;
    do {
      const page = await shares.list({ target, status: "active", ...(after && { after }) });
      for (const { id, sourceTenant, target: name, path, expiresAt } of page.items) {
        if (name === undefined) continue;
        const owner = owners.get(sourceTenant) ?? (await tenants.byUid(sourceTenant))?.id;
        if (owner === undefined) continue;
        owners.set(sourceTenant, owner);
        points.push({ id, owner, name, source: path, expiresAt });
      }
      after = page.next;
    } while (after !== undefined);
    const entry: Held = {
      revision,
      root: root === undefined ? undefined : parseVirtualPath(root),
      points,
    };
    held.delete(target);
    held.set(target, entry);
    for (const oldest of held.keys()) {
      if (held.size <= mostTenants) break;
      held.delete(oldest);
    }
    return entry;
  };

  const of = async ({ settlement }: Context, tenant: string): Promise<Held | undefined> => {
    const [revision] = settlement.revisions.filter(({ tenant: uid }) => uid === tenant);
    const wanted = revision ?? (await revisions([tenant]))[0];
    if (wanted === undefined) return undefined;
    const known = held.get(tenant);
    return known?.revision.epoch === wanted.epoch && known.revision.n >= wanted.n
      ? known
      : load(wanted);
  };

  const near = async (
    ctx: Context,
    tenant: string,
    path: VirtualPath,
  ): Promise<SharedPlace<SharePoint>> => {
    const given = await of(ctx, tenant);
    if (given?.root === undefined) return { kind: "here" };
    const alive = given.points.filter(({ expiresAt = Infinity }) => expiresAt > ctx.now);
    return resolveShare(given.root, alive, path);
  };

  return {
    resolve: (ctx, path) => {
      const ground = groundOf(namespaceRoots, path);
      if (ground.kind !== "root" && ground.kind !== "below") return { kind: "here" };
      const root = roots.rootAt(ground.root);
      // Everywhere else there is nothing to ask anybody.
      if (root === undefined || !isNearShares(ground.root, path)) return { kind: "here" };
      return near(ctx, root.tenant.uid, path);
    },
    enter: async (ctx, points) => {
      const sources = points.map(({ source }) => source);
      const { audit } = ctx.settlement;
      const draft = audit && {
        ...audit,
        detail: { ...audit.detail, share: points[0]?.id, owner: points[0]?.owner },
      };
      return {
        ...ctx,
        settlement: { ...ctx.settlement, audit: draft },
        principal: await enter(ctx.principal, ctx.settlement.revisions, ctx.now, sources),
      };
    },
  };
};
