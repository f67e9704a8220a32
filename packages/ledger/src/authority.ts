import { timingSafeEqual } from "node:crypto";
import { type Revision, type TenantStatus, unauthenticated } from "@bulkhead/contract";
import type { Database } from "./database.ts";
import { ledgerUnavailable } from "./errors.ts";
import { isUuid } from "./is-uuid.ts";
import { hashKey, keyIdOf } from "./key-string.ts";
import { type KeyFacts, principalOf } from "./principal.ts";
import { createSharedRead } from "./shared-read.ts";
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

/** Who keys are and where tenants stand, by one shared read. */
export interface SharedAuthority extends Authority {
  readonly revisions: RelationStore["revisions"];
}

/** How long a request waits for the revision read at most, in milliseconds. */
const deadlineMs = 1900;

/** For how long a tenant that was asked for is asked for along with keys, in milliseconds, and how many are. */
const nearbyMs = 1000;
const mostNearby = 4;

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

  const read = createSharedRead<Question, ReadAnswer>(async (questions) => {
    const ids = new Set<string>();
    const hashes: Uint8Array[] = [];
    const tenants = new Set<string>();
    for (const { id, hash, tenants: wanted } of questions) {
      for (const tenant of wanted) tenants.add(tenant);
      if (id !== undefined) ids.add(id);
      else if (hash !== undefined) hashes.push(hash);
    }
    for (const [tenant, until] of nearby) if (isNear(tenant, until)) tenants.add(tenant);
    const answer = await database.call<ReadAnswer>(admit, [
      [...ids],
      hashes.map((hash) => Buffer.from(hash)),
      [...tenants],
    ]);
    // A server in recovery may lag behind a revoke that has returned.
    if (answer.recovery) throw ledgerUnavailable();
    return answer;
  }, deadlineMs);

  const admission = (answer: ReadAnswer, facts: KeyFacts | undefined): Admission => {
    const principal = facts === undefined ? undefined : principalOf(facts);
    if (facts === undefined || principal === undefined) throw unauthenticated();
    const revisions: Revision[] = [{ tenant: platformName, ...answer.platform }];
    if (facts.tenant !== null)
      revisions.push({ tenant: facts.tenant.uid, epoch: facts.tenant.epoch, n: facts.tenant.n });
    used(principal.keyId, answer.now);
    const told = { principal, revisions, now: answer.now };
    if (answer.tenants.length === 0) return told;
    const further = answer.tenants.filter(({ tenant }) => tenant !== facts.tenant?.uid);
    return {
      ...told,
      nearby: further.map(({ tenant, epoch, n }) => ({ tenant, epoch, n })),
    };
  };

  return {
    admit: async (credential) => {
      if (credential.length > longest) throw unauthenticated();
      const hash = hashKey(credential);
      const id = keyIdOf(credential);
      const answer = await read({ id, hash, tenants: [] });
      const matches = answer.keys.filter(
        (key) =>
          (id === undefined ? key.platform : key.id === id) &&
          timingSafeEqual(Buffer.from(key.hash, "hex"), hash),
      );
      return admission(answer, matches[0]);
    },
    readmit: async (keyId) => {
      const answer = await read({ id: keyId, hash: undefined, tenants: [] });
      return admission(
        answer,
        answer.keys.find((key) => key.id === keyId),
      );
    },
    revisions: async (tenants) => {
      const uids = tenants.map((tenant) => (tenant === platformName ? platformUid : tenant));
      const wanted = uids.filter(isUuid);
      keepNear(wanted);
      const answer = await read({ id: undefined, hash: undefined, tenants: wanted });
      return tenants.flatMap((tenant, i) => {
        const found = answer.tenants.find((one) => one.tenant === uids[i]);
        if (found === undefined) return [];
        const { epoch, n, status } = found;
        return [{ tenant, epoch, n, status: status ?? undefined }];
      });
    },
  };
};
