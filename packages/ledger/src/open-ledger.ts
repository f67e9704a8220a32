import { createAccounted } from "./accounted.ts";
import { createAuditHeads } from "./audit-heads.ts";
import { createAuditLog } from "./audit-log.ts";
import { createAuthority } from "./authority.ts";
import { createChanges } from "./change.ts";
import { createContentRoots } from "./content-roots.ts";
import { answerDelay } from "./answer-delay.ts";
import { type Database, openDatabase } from "./database.ts";
import { createDenials } from "./denials.ts";
import { createFileChanges } from "./file-changes.ts";
import { createIdempotency } from "./idempotency.ts";
import { createIntents } from "./intents.ts";
import { createJobs } from "./jobs.ts";
import { createKeys } from "./keys.ts";
import { createLastUsed } from "./last-used.ts";
import { createLeases } from "./leases.ts";
import { createMasterKeys } from "./master-keys.ts";
import { migrate } from "./migrate.ts";
import { migrations } from "./migrations/index.ts";
import { createDirectory } from "./directory.ts";
import { createMounts } from "./mounts.ts";
import { createModels } from "./models.ts";
import { onBehalf } from "./on-behalf.ts";
import { createMoves } from "./moves.ts";
import { createOutbox } from "./outbox.ts";
import { createPlatformKeys } from "./platform-keys.ts";
import { createProvisioning } from "./provisioning.ts";
import { expireRelations } from "./relation-expiry.ts";
import { createHealth } from "./health.ts";
import { createQuota } from "./quota.ts";
import { createRates } from "./rates.ts";
import { createRelations } from "./relations.ts";
import { createReservations } from "./reservations.ts";
import { createRoots } from "./roots.ts";
import { createSecrets } from "./secrets.ts";
import { createShares } from "./shares.ts";
import { createSubjects } from "./subjects.ts";
import { createTenants } from "./tenants.ts";
import { createTreeCommits } from "./tree-commits.ts";
import { createTreeHousekeeping } from "./tree-housekeeping.ts";
import type { Ledger, Log } from "./types.ts";
import { createUploads } from "./uploads.ts";
import { createUsage } from "./usage.ts";

export interface LedgerOptions {
  /** `postgres://…`, PostgreSQL 15 or newer. */
  readonly url: string;
  /** A fingerprint of the master key, never the key: all processes of a ledger share one. */
  readonly masterKeyFingerprint: string;
  /** Those of other master keys that the process knows, while one is being replaced. */
  readonly otherFingerprints?: readonly string[] | undefined;
  /** Where the ledger's server is; kept from the first opening on. */
  readonly region?: string | undefined;
  readonly log?: Log | undefined;
}

const hourly = 3_600_000;

/**
 * Migrates and opens the control plane. Rejects with an `Error` that says what to do if database and process do not
 * belong together (another master key, region or newer schema), with `unavailable` without a database. Close it.
 */
export const openLedger = async (options: LedgerOptions): Promise<Ledger> => {
  const { url, log = () => undefined } = options;
  await migrate(url);
  const limits = { url, connectMs: 1500, statementMs: 1500 } as const;
  // Planned anew for each key, as arrays make PostgreSQL prefer, the read costs many times what it does.
  const revision = openDatabase({
    ...limits,
    role: "bulkhead_system",
    max: 1,
    name: "revision",
    planOnce: true,
  });
  const behalf = onBehalf();
  const shared = { ...limits, owner: behalf.owner } as const;
  const hot = openDatabase({ ...shared, role: "bulkhead_app", max: 8, name: "hot" });
  const background = openDatabase({
    ...shared,
    role: "bulkhead_system",
    max: 4,
    statementMs: 10_000,
    name: "background",
  });
  // A lease that waits behind somebody's flood of changes would lapse.
  const leasing = openDatabase({ ...limits, role: "bulkhead_system", max: 1, name: "leases" });
  // Every request of a limited tenant may wait for a slice: behind nothing but other slices.
  const leasingRates = openDatabase({ ...limits, role: "bulkhead_system", max: 1, name: "rates" });
  // Subtrees are copied and removed in one statement: they keep no single row waiting, and no row them.
  const trees = openDatabase({
    ...shared,
    role: "bulkhead_app",
    max: 4,
    statementMs: 30_000,
    name: "trees",
  });
  const pools = [revision, hot, background, leasing, leasingRates, trees];
  const closePools = async (): Promise<void> => {
    await Promise.allSettled(pools.map((pool) => pool.close()));
  };
  let id: string;
  try {
    id = await adopt(background, options);
  } catch (error) {
    await closePools();
    throw error;
  }

  const lastUsed = createLastUsed(background);
  const change = createChanges(background);
  const denials = createDenials(hot, background, log);
  const rates = createRates(leasingRates);
  const idempotency = createIdempotency(hot, background);

  const housekeep = async (): Promise<void> => {
    try {
      await background.rows("select bulkhead.partitions_v1()");
      await idempotency.purge();
      await expireRelations(background, change);
      await rates.purge();
      await background.rows("select bulkhead.changelog_purge_v1()");
    } catch (error) {
      log({ message: "Housekeeping of the control plane is put off.", error });
    }
  };
  const timers = [
    setInterval(() => void denials.flush(), 1000),
    setInterval(() => void lastUsed.flush(), 5000),
    setInterval(() => void housekeep(), hourly),
  ];
  // The process may end while they tick.
  for (const timer of timers) timer.unref();

  const answers = answerDelay(revision);
  const authority = createAuthority(answers.database, lastUsed.used);
  let closing: Promise<void> | undefined;
  return {
    id,
    authority,
    denials,
    keys: createKeys(background, hot, change),
    tenants: createTenants(background, change),
    quota: createQuota(background, change),
    reservations: createReservations(hot, background),
    uploads: createUploads(hot, background),
    health: createHealth(background),
    provisioning: createProvisioning(background, change),
    secrets: createSecrets(background),
    masterKeys: createMasterKeys(background),
    mounts: createMounts(background, change),
    directory: createDirectory(background, change),
    relations: createRelations(background, change, authority),
    subjects: createSubjects(background, change),
    models: createModels(background, change),
    shares: createShares(background, change),
    auditLog: createAuditLog(hot),
    auditHeads: createAuditHeads(background),
    intents: createIntents(hot, trees, background),
    accounted: createAccounted(background),
    idempotency,
    roots: createRoots(background),
    rates,
    leases: createLeases(leasing),
    contentRoots: createContentRoots(background),
    jobs: createJobs(background, log),
    moves: createMoves(background, change),
    outbox: createOutbox(background),
    fileChanges: createFileChanges(hot, background),
    platformKeys: createPlatformKeys(background),
    usage: createUsage(background, id),
    trees: { ...createTreeCommits(hot, trees), ...createTreeHousekeeping(background) },
    onBehalfOf: behalf.of,
    delay: answers.delay,
    ready: () => readiness(background),
    close: () =>
      (closing ??= (async () => {
        for (const timer of timers) clearInterval(timer);
        await Promise.all([denials.flush(), lastUsed.flush()]);
        await closePools();
      })()),
  };
};

/** Checks that this process belongs to the ledger, whose first opener decides, and answers its id. */
const adopt = async (database: Database, options: LedgerOptions): Promise<string> => {
  const own = options.masterKeyFingerprint;
  const known = [own, ...(options.otherFingerprints ?? [])];
  const [meta] = await database.rows<{
    ledger: string;
    fingerprint: string;
    next_fingerprint: string | null;
    previous_fingerprint: string | null;
    region: string | null;
  }>(
    `update bulkhead.meta set fingerprint = coalesce(fingerprint, $1), region = coalesce(region, $2)
     returning ledger, fingerprint, next_fingerprint, previous_fingerprint, region`,
    [own, options.region ?? null],
  );
  if (meta === undefined)
    throw new Error("The control plane lost its identity row; restore it from a backup.");
  // What this process seals others have to be able to open, and the other way round.
  const good = [meta.fingerprint, meta.next_fingerprint, meta.previous_fingerprint];
  if (!known.includes(meta.fingerprint) || !good.includes(own))
    throw new Error(
      "This control plane was made with another master key; start with the BULKHEAD_MASTER_KEY (or <data-dir>/master-key) of its other servers, or name another database.",
    );
  if (options.region !== undefined && meta.region !== options.region)
    throw new Error(
      `This control plane is in region '${meta.region}', not '${options.region}'; correct the configured region, or name another database.`,
    );
  return meta.ledger;
};

const readiness = async (database: Database): Promise<string[]> => {
  try {
    const [row] = await database.rows<{ recovery: boolean; version: number | null }>(
      "select pg_is_in_recovery() as recovery, (select max(version) from bulkhead.schema_migration) as version",
    );
    const faults: string[] = [];
    if ((row?.version ?? 0) < (migrations.at(-1)?.version ?? 0)) faults.push("migrations");
    if (row?.recovery === true) faults.push("recovery");
    return faults;
  } catch {
    return ["database"];
  }
};
