import { timingSafeEqual } from "node:crypto";
import {
  type Principal,
  type Revision,
  type Snapshot,
  type TenantStatus,
  unauthenticated,
} from "@bulkhead/contract";
import type { Database } from "./database.ts";
import { ledgerUnavailable } from "./errors.ts";
import { isUuid } from "./is-uuid.ts";
import { hashKey, keyIdOf } from "./key-string.ts";
import { type KeyFacts, principalOf } from "./principal.ts";
import { createSharedRead } from "./shared-read.ts";
import { parseSnapshot, snapshotCall } from "./snapshot.ts";
import type { RelationStore } from "./types-relations.ts";
import { type Admission, type Authority, platformName, platformUid } from "./types.ts";

const admit = { name: "admit_v2", text: "select bulkhead.admit_v2($1, $2, $3)" };

interface ReadAnswer {
  readonly recovery: boolean;
  readonly now: number;
  readonly platform: { readonly epoch: string; readonly n: number };
  readonly tenants: readonly (Revision & { readonly status: TenantStatus | null })[];
  readonly keys: readonly KeyFacts[];
}

interface Question {
  readonly id: string | undefined;
  readonly hash: Uint8Array | undefined;
  /** Uids whose revisions are wanted. */
  readonly tenants: readonly string[];
}

/** What one read told: of keys only if one was asked for. */
interface Told {
  readonly now: number;
  readonly platform: Revision;
  /** By uid, with how each tenant stands. */
  readonly tenants: ReadonlyMap<string, Revision & { readonly status: TenantStatus | undefined }>;
  readonly keys: readonly KeyFacts[];
}

/** Who a key's bearer is, as of a revision: whatever changes that, in the key, its family, its subject or its tenant, moves it. */
interface Known {
  readonly hash: Uint8Array;
  readonly principal: Principal;
  readonly revision: Revision;
}

/** Who keys are and where tenants stand, by one shared read. */
export interface SharedAuthority extends Authority {
  readonly revisions: RelationStore["revisions"];
}

/** How long a request waits for the revision read at most, in milliseconds. */
const deadlineMs = 1900;

/** For how long a tenant that was asked for is asked for along with keys, in milliseconds, and how many are. */
const nearbyMs = 1000;
const mostNearby = 4;

/** Of how many keys it is kept whose they are. */
const mostKnown = 10_000;

/** Longer strings are no key of anybody's and are not hashed. */
const longest = 4096;

/**
 * Admits keys by the shared revision read. `database` is a pool of one connection that serves nothing else; `used` hears
 * of each key that was admitted.
 */
export const createAuthority = (
  database: Database,
  used: (keyId: string, now: number) => void,
): SharedAuthority => {
  // Until when each is asked for along with keys, the latest last.
  const nearby = new Map<string, number>();
  const isNear = (tenant: string, until: number): boolean => {
    if (until > performance.now()) return true;
    nearby.delete(tenant);
    return false;
  };
  const keepNear = (tenants: readonly string[]): void => {
    const until = performance.now() + nearbyMs;
    for (const tenant of tenants) {
      nearby.delete(tenant);
      nearby.set(tenant, until);
    }
    for (const oldest of nearby.keys()) {
      if (nearby.size <= mostNearby) break;
      nearby.delete(oldest);
    }
  };

  // By id, and platform keys whose strings name none by their hash in hex.
  const known = new Map<string, Known>();
  const keep = (name: string, entry: Known): void => {
    if (known.size >= mostKnown) known.clear();
    known.set(name, entry);
  };

  const read = createSharedRead<Question, Told>(async (questions) => {
    const ids = new Set<string>();
    const hashes: Uint8Array[] = [];
    const tenants = new Set<string>();
    for (const { id, hash, tenants: wanted } of questions) {
      for (const tenant of wanted) tenants.add(tenant);
      if (id !== undefined) ids.add(id);
      else if (hash !== undefined) hashes.push(hash);
    }
    for (const [tenant, until] of nearby) if (isNear(tenant, until)) tenants.add(tenant);
    // Almost every read is of keys that are known: then it is of revisions alone.
    if (ids.size === 0 && hashes.length === 0) {
      tenants.add(platformUid);
      const { now, revisions } = parseSnapshot(
        await database.call<string | null>(snapshotCall, [[...tenants]]),
      );
      const platform = revisions.get(platformUid);
      if (platform === undefined) throw ledgerUnavailable();
      const { tenant, epoch, n } = platform;
      return { now, platform: { tenant, epoch, n }, tenants: revisions, keys: [] };
    }
    const answer = await database.call<ReadAnswer>(admit, [
      [...ids],
      hashes.map((hash) => Buffer.from(hash)),
      [...tenants],
    ]);
    // A server in recovery may lag behind a revoke that has returned.
    if (answer.recovery) throw ledgerUnavailable();
    return {
      now: answer.now,
      platform: { tenant: platformName, ...answer.platform },
      tenants: new Map(
        answer.tenants.map((one) => [one.tenant, { ...one, status: one.status ?? undefined }]),
      ),
      keys: answer.keys,
    };
  }, deadlineMs);

  const admission = (
    principal: Principal,
    revisions: readonly Revision[],
    now: number,
  ): Admission => {
    used(principal.keyId, now);
    // Its own: those above keep by the principal what they know of a request.
    return { principal: { ...principal }, revisions, now };
  };

  const withNearby = (admitted: Admission, told: Told): Admission => {
    if (nearby.size === 0) return admitted;
    const own = admitted.principal.tenant?.uid;
    const further: Revision[] = [];
    for (const uid of nearby.keys()) {
      const one = told.tenants.get(uid);
      if (one !== undefined && uid !== own)
        further.push({ tenant: uid, epoch: one.epoch, n: one.n });
    }
    return { ...admitted, nearby: further };
  };

  /** The admission of a key that is known, if nothing moved that it stands on. What time ended is the ledger's to say. */
  const still = (
    { principal, revision }: Known,
    platform: Revision | undefined,
    own: Revision | undefined,
    now: number,
  ): Admission | undefined => {
    if (platform === undefined) return undefined;
    if (principal.expiresAt !== undefined && principal.expiresAt <= now) return undefined;
    const current = principal.tenant === undefined ? platform : own;
    if (current?.n !== revision.n || current.epoch !== revision.epoch) return undefined;
    return admission(principal, own === undefined ? [platform] : [platform, revision], now);
  };

  const again = (entry: Known, told: Told): Admission | undefined => {
    const uid = entry.principal.tenant?.uid;
    const admitted = still(
      entry,
      told.platform,
      uid === undefined ? undefined : told.tenants.get(uid),
      told.now,
    );
    return admitted && withNearby(admitted, told);
  };

  const stillAsSeen = (entry: Known, { now, revisions }: Snapshot): Admission | undefined => {
    const of = (tenant: string | undefined): Revision | undefined =>
      revisions.find((one) => one.tenant === tenant);
    const uid = entry.principal.tenant?.uid;
    return still(entry, of(platformName), uid === undefined ? undefined : of(uid), now);
  };

  /** Asks of revisions alone for a key that is known. */
  const ask = async (entry: Known): Promise<Admission | undefined> => {
    const uid = entry.principal.tenant?.uid;
    const tenants = uid === undefined ? [] : [uid];
    return again(entry, await read({ id: undefined, hash: undefined, tenants }));
  };

  /** Admits by what was read of the key itself, and keeps that. */
  const learn = (name: string, told: Told, facts: KeyFacts | undefined): Admission => {
    const principal = facts === undefined ? undefined : principalOf(facts);
    if (facts === undefined || principal === undefined) {
      if (facts !== undefined) known.delete(name);
      throw unauthenticated();
    }
    const { tenant } = facts;
    const own = tenant && { tenant: tenant.uid, epoch: tenant.epoch, n: tenant.n };
    keep(name, {
      hash: Buffer.from(facts.hash, "hex"),
      principal,
      revision: own ?? told.platform,
    });
    const revisions = own === null ? [told.platform] : [told.platform, own];
    return withNearby(admission(principal, revisions, told.now), told);
  };

  return {
    admit: async (credential) => {
      if (credential.length > longest) throw unauthenticated();
      const hash = hashKey(credential);
      const id = keyIdOf(credential);
      const name = id ?? Buffer.from(hash).toString("hex");
      const entry = known.get(name);
      const admitted =
        entry !== undefined && timingSafeEqual(entry.hash, hash) ? await ask(entry) : undefined;
      if (admitted !== undefined) return admitted;
      const told = await read({ id, hash, tenants: [] });
      const matches = told.keys.filter(
        (key) =>
          (id === undefined ? key.platform : key.id === id) &&
          timingSafeEqual(Buffer.from(key.hash, "hex"), hash),
      );
      return learn(name, told, matches[0]);
    },
    readmit: async (keyId, seen) => {
      const entry = known.get(keyId);
      const admitted = entry && (seen === undefined ? await ask(entry) : stillAsSeen(entry, seen));
      if (admitted !== undefined) return admitted;
      const told = await read({ id: keyId, hash: undefined, tenants: [] });
      return learn(
        keyId,
        told,
        told.keys.find((key) => key.id === keyId),
      );
    },
    revisions: async (tenants) => {
      const uids = tenants.map((tenant) => (tenant === platformName ? platformUid : tenant));
      const wanted = uids.filter(isUuid);
      keepNear(wanted);
      const told = await read({ id: undefined, hash: undefined, tenants: wanted });
      return tenants.flatMap((tenant, i) => {
        const found = told.tenants.get(uids[i] ?? "");
        return found === undefined
          ? []
          : [{ tenant, epoch: found.epoch, n: found.n, status: found.status }];
      });
    },
  };
};
