import type { Revision, Snapshot, TenantStatus } from "@bulkhead/contract";
import { ledgerUnavailable } from "./errors.ts";
import { functionCall } from "./function-call.ts";
import type { Statement } from "./database.ts";
import { platformName, platformUid } from "./types.ts";

/** A revision, and how the tenant stands whose it is; undefined for the platform. */
export interface StandingRevision extends Revision {
  readonly status: TenantStatus | undefined;
}

/** What `snapshot_v1` tells: revisions by uid, which the platform's is too. */
export interface LedgerSnapshot {
  readonly now: number;
  readonly revisions: ReadonlyMap<string, StandingRevision>;
}

const statuses = {
  provisioning: true,
  trial: true,
  active: true,
  suspended: true,
  cancelled: true,
  deleting: true,
  deleted: true,
} as const satisfies Record<TenantStatus, true>;

const isStatus = (word: string): word is TenantStatus => Object.hasOwn(statuses, word);

export const snapshotCall: Statement = functionCall("snapshot_v1", 1);

/** Takes an answer of `snapshot_v1` apart. Throws `unavailable` for that of a server that may lag behind. */
export const parseSnapshot = (answer: string | null): LedgerSnapshot => {
  if (answer === null) throw ledgerUnavailable();
  const words = answer.split(" ");
  const revisions = new Map<string, StandingRevision>();
  for (let i = 1; i + 3 < words.length; i += 4) {
    const [uid = "", epoch = "", n = "", status = "-"] = words.slice(i, i + 4);
    revisions.set(uid, {
      tenant: uid === platformUid ? platformName : uid,
      epoch,
      n: Number(n),
      status: isStatus(status) ? status : undefined,
    });
  }
  return { now: Number(words[0]), revisions };
};

/** The uid under which the ledger keeps a revision. */
export const uidOfRevision = ({ tenant }: Pick<Revision, "tenant">): string =>
  tenant === platformName ? platformUid : tenant;

/** The same for those above the ledger. */
export const plainSnapshot = ({ now, revisions }: LedgerSnapshot): Snapshot => ({
  now,
  revisions: [...revisions.values()].map(({ tenant, epoch, n }) => ({ tenant, epoch, n })),
});
