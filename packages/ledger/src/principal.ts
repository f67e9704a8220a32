import {
  isUnder,
  parseVirtualPath,
  type Principal,
  type Scope,
  type Subject,
  type TenantStatus,
  type VirtualPath,
} from "@bulkhead/contract";

/** A key as the revision read tells it: itself first in `chain`, then the keys it was minted with. */
export interface KeyFacts {
  readonly id: string;
  /** SHA-256 in hex. */
  readonly hash: string;
  readonly platform: boolean;
  readonly subject: Subject;
  readonly tenant: {
    readonly uid: string;
    readonly id: string;
    readonly status: TenantStatus;
    readonly epoch: string;
    readonly n: number;
    readonly roots: readonly string[];
  } | null;
  readonly chain: readonly {
    readonly scopes: readonly Scope[];
    readonly prefix: string | null;
    readonly parent: string | null;
    readonly expiresAt: number | null;
    readonly dead: boolean;
  }[];
}

/** What both reach: of two that nest the inner one, of two that do not, nothing. */
const intersect = (bounds: readonly VirtualPath[], prefix: VirtualPath): VirtualPath[] =>
  bounds.flatMap((bound) =>
    isUnder(prefix, bound) ? [bound] : isUnder(bound, prefix) ? [prefix] : [],
  );

/** The principal of a key, or undefined if it is not valid: revoked, expired, orphaned, or of a tenant that ends. */
export const principalOf = (facts: KeyFacts): Principal | undefined => {
  const [own] = facts.chain;
  const eldest = facts.chain.at(-1);
  if (own === undefined || eldest === undefined || eldest.parent !== null) return undefined;
  if (facts.chain.some((key) => key.dead)) return undefined;
  const { tenant } = facts;
  if (facts.platform !== (tenant === null)) return undefined;
  if (tenant?.status === "deleting" || tenant?.status === "deleted") return undefined;

  const ends = facts.chain.flatMap((key) => (key.expiresAt === null ? [] : [key.expiresAt]));
  const expiresAt = ends.length === 0 ? undefined : Math.min(...ends);
  const common = { keyId: facts.id, expiresAt };
  if (tenant === null) {
    const root = parseVirtualPath("/");
    return {
      ...common,
      kind: "platform",
      tenant: undefined,
      subject: { type: "service", id: facts.id },
      scopes: own.scopes,
      reach: { home: root, bounds: [root] },
    };
  }
  const roots = tenant.roots.map(parseVirtualPath);
  const prefix = own.prefix === null ? undefined : parseVirtualPath(own.prefix);
  let bounds: readonly VirtualPath[] = prefix === undefined ? roots : [prefix];
  for (const elder of facts.chain.slice(1))
    if (elder.prefix !== null) bounds = intersect(bounds, parseVirtualPath(elder.prefix));
  // Without any bound left the home is never reached; it is named so that there is one.
  const home = bounds[0] ?? prefix ?? roots[0];
  if (home === undefined) return undefined;
  // Each names the one before it in the chain as its parent.
  const mintedBy = facts.chain.flatMap(({ prefix: bound }, i) => {
    const id = i === 0 ? null : facts.chain[i - 1]?.parent;
    return bound === null && typeof id === "string" ? [id] : [];
  });
  return {
    ...common,
    kind: prefix === undefined ? "identity" : "capability",
    tenant: { uid: tenant.uid, id: tenant.id, status: tenant.status },
    subject: facts.subject,
    scopes: own.scopes.filter((scope) => facts.chain.every((key) => key.scopes.includes(scope))),
    reach: { home, bounds },
    ...(mintedBy.length > 0 && { mintedBy }),
  };
};
