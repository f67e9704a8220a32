import { frameRoom } from "@bulkhead/backend-versioned";
import { reasonOf, type Context, type Control, type WholeTree } from "@bulkhead/contract";
import { stack } from "@bulkhead/kit";
import { moveKind, provisionKind, retireKind } from "@bulkhead/ledger";
import {
  auditsReads,
  type ReadAudit,
  asWrite,
  audit,
  audited,
  checkScope,
  checkServing,
  checkTenantId,
  decided,
  type Decide,
  fence,
  filtered,
  gated,
  keptCurrent,
  metering,
  quota,
  scopesAllow,
  sharing,
  streamWatch,
  tenantAt,
  tenantGate,
  type Usage,
  tenantsServe,
  type Tenants,
  tenantsHealth,
  type TenantsHealthOptions,
  withinBounds,
} from "@bulkhead/policy";
import { afterwork } from "@bulkhead/settle";
import { type Mount, scoped, tree } from "@bulkhead/vfs";
import { auditKind, auditQuota } from "./audit-quota.ts";
import { checkMove } from "./check-move.ts";
import { closers, type Closers } from "./closers.ts";
import { closePublic } from "./close-public.ts";
import { makeTenants } from "./make-tenants.ts";
import { openTenantDatabases } from "./open-tenant-databases.ts";
import { provisionTenant } from "./provision-tenant.ts";
import { startHousekeeping } from "./start-housekeeping.ts";
import { reservations } from "./reservations.ts";
import { deleteTenant } from "./delete-tenant.ts";
import type { Engine, EngineOptions } from "./engine-options.ts";
import { grounds } from "./grounds.ts";
import { moveTenant } from "./move-tenant.ts";
import { mountTemplates } from "./mount-templates.ts";
import { type ControlPlane, openControlPlane } from "./open-control-plane.ts";
import { openControl } from "./open-control.ts";
import { noPlans } from "./no-plans.ts";
import { noGround, openMounts, openTable } from "./open-mounts.ts";
import { openEntrance } from "./open-entrance.ts";
import { credentialsIn } from "./stored-mount.ts";
import { openHistory } from "./open-history.ts";
import { openRegions } from "./open-regions.ts";
import { openRelations } from "./open-relations.ts";
import { openRecords } from "./open-records.ts";
import { openPlatformKey } from "./platform-key.ts";
import { retireMount } from "./retire-mount.ts";
import { firstRootOf } from "./roots.ts";
import { tenantBuckets } from "./tenant-buckets.ts";
import { enqueueTransfer, transferDirectories, transferKind } from "./transfer-job.ts";
import { repeatedly } from "./repeatedly.ts";
import { serveUploads } from "./serve-uploads.ts";
import { sharedMounts, unreadyMounts } from "./unready-mounts.ts";
import { finishKind, finishMoves, rememberMoves } from "./unfinished-move.ts";

/** How often a process that nobody asks looks for roots that came or went. */
const pollMs = 1000;

/** Builds the whole system: ledger, storages, mount table, tree, policy, control and jobs. Leaves nothing open if it fails. */
export const openEngine = async (options: EngineOptions): Promise<Engine> => {
  const opened = closers((error) => options.log("close-failed", { error: reasonOf(error) }));
  try {
    const plane = await openControlPlane(options, opened);
    const platformKey = await openPlatformKey(plane.ledger, options.dataDir, options.platformKey);
    return { ...(await openTree(options, plane, opened)), platformKey, close: opened.close };
  } catch (error) {
    await opened.close();
    throw error;
  }
};

const openTree = async (
  options: EngineOptions,
  { ledger, url, own }: ControlPlane,
  opened: Closers,
): Promise<Pick<Engine, "control" | "health">> => {
  const { namespaceRoots, placements, backends = {}, plans = noPlans } = options;
  await ledger.quota.syncPlans(plans.plans);
  const { databases, pools, sealing } = openTenantDatabases(
    { ...options, ledger, ledgerUrl: url },
    opened,
  );
  const intentsAfter = afterwork(ledger.intents);
  opened.add(() => intentsAfter.close());
  // What is asked of the table when a mount opens, long after it is there.
  const ground = noGround();
  const templates = mountTemplates({
    storages: {
      leases: ledger.leases,
      intents: ledger.intents,
      accounted: ledger.accounted,
      contentRoots: ledger.contentRoots,
      supports: new Map(),
      afterwork: intentsAfter,
      trees: ledger.trees,
      room: frameRoom(),
      ledgerRegion: options.region,
      pools,
    },
    placements,
    backends,
    credentials: credentialsIn(ledger.secrets, sealing, (id) => ground.stored(id)),
    databases,
    dataDir: options.dataDir,
  });
  const fixed: readonly Mount[] = [
    templates.platform(namespaceRoots),
    ...options.mounts.map((spec) => templates.configured(spec, namespaceRoots, ground)),
  ];
  const roots = await openTable(ledger.roots, fixed, templates, options.log, opened, ground);
  const { elsewhere, place, get } = openRegions(options, ledger);
  const buckets = tenantBuckets({ ledger, placements, backends });
  const { create, createRoot } = makeTenants({
    elsewhere,
    ledger,
    roots,
    databases,
    buckets,
    placement: options.defaultPlacement,
    plan: plans.defaultPlan,
  });
  const tenants: Tenants = { rootAt: roots.rootAt, createRoot };

  const onGround = tenantAt(tenants, namespaceRoots);
  const { graphBytes } = options;
  const given = openRelations(
    { ledger, roots, namespaceRoots, tenantAt: onGround, graphBytes },
    opened,
  );
  const { authority } = given;

  const { meter, signer } = await openRecords(options, ledger, opened);
  const { door: entrance, facts, attempts, draw } = openEntrance(ledger, onGround, options, opened);
  const held = reservations(ledger.reservations);
  opened.add(held.close);
  const readAudit: ReadAudit = {
    wanted: async (uid, revisions) => {
      const tenant = await facts(uid, revisions);
      return tenant !== undefined && auditsReads(tenant);
    },
    record: ledger.auditLog.record,
    tenantAt: onGround,
  };
  const streams = streamWatch();
  opened.add(async () => streams.close());
  // The order of the answers: bounds, tenant, scopes, and then relations.
  const decide = decided([withinBounds, tenantsServe(tenants, namespaceRoots), scopesAllow]);
  const governed = (storages: WholeTree, as: Decide, usage: Usage = held.usage): WholeTree =>
    stack<WholeTree>(
      storages,
      keptCurrent(authority),
      sharing({ ...given.sharing, draw }),
      fence({
        authority,
        decide: as,
        decideReading: decide,
        streams,
      }),
      filtered,
      tenantGate({ tenants, namespaceRoots, checkId: checkTenantId, elsewhere }),
      quota(usage),
      metering(meter.meter, readAudit),
    );
  const storages = tree(roots.table, {
    transfer: enqueueTransfer(ledger),
    remember: rememberMoves(ledger.jobs),
  });
  // Looking above one's bounds is answered from the bounds alone; it is reading all the same, by a tenant that serves.
  const mayLook = ({ principal }: Context): void => {
    checkServing(principal.tenant, principal);
    checkScope(principal, "read");
  };
  const door = scoped((ctx: Context) => ctx.principal.reach, namespaceRoots, mayLook);
  const whole = governed(storages, decide);
  const session = audit(ledger.denials)(door(whole));
  const appending = audit(ledger.denials, "append")(door(governed(storages, asWrite(decide))));

  const asks = audited(ledger.denials);
  const uploads = await serveUploads(
    {
      options,
      ledger,
      storages,
      governed: (files, usage) =>
        audit(ledger.denials, "write")(door(governed(files, decide, usage))),
      roots,
      asks,
    },
    opened,
  );
  const health: TenantsHealthOptions = {
    totals: ledger.health.totals,
    failingMounts: async () => (await unreadyMounts(sharedMounts(roots))).length,
  };
  const open: Control = {
    ...openControl({
      ledger,
      asks,
      authority,
      session,
      appending,
      governed: whole,
      storages,
      tenants,
      relations: given.relations,
      sharing: given.sharing,
      streams,
      metering: meter,
      door: entrance,
      attempts,
      signer,
      roots,
      tenantStore: { ...ledger.tenants, create, get },
      grounds: grounds({ roots, templates, storages, namespaceRoots, tenantAt: onGround }),
      mounts: openMounts({
        options,
        ledger,
        roots,
        sealing,
        tenantAt: onGround,
        trees: templates.storedTrees,
      }),
      health,
      namespaceRoots,
      checkMove: checkMove({ placements, roots, ledgerRegion: options.region }),
      place,
      elsewhere,
      region: options.region,
      plans,
    }),
    uploads,
    history: openHistory(
      { ledger, roots, session, namespaceRoots, authority, audited: asks, decide },
      opened,
    ),
    unready: async () => (await Promise.all([ledger.ready(), unreadyMounts(fixed)])).flat(),
  };

  const control = gated(open, {
    tenants: ledger.tenants,
    featureGates: plans.featureGates,
    audited: asks,
  });

  const stopping = new AbortController();
  const jobs = ledger.jobs.run({
    handlers: {
      "tenant.delete": deleteTenant({
        ledger,
        roots,
        templates,
        buckets,
        certificateKey: options.certificateKey,
      }),
      [retireKind]: retireMount({ ledger, trees: templates.storedTrees }),
      [auditKind]: auditQuota({ ledger, roots, templates, tenantAt: onGround }),
      [provisionKind]: provisionTenant({
        ledger,
        databases,
        buckets,
        rootOf: firstRootOf(roots),
        made: closePublic(own ? url : undefined, options.log),
      }),
      // Below the session, and without a job for what is one already.
      [finishKind]: finishMoves(authority, governed(tree(roots.table), decide)),
      [transferKind]: transferDirectories(authority, governed(tree(roots.table), decide)),
    },
    signal: stopping.signal,
  });
  // What takes hours has places of its own: nothing else waits for it.
  const moving = ledger.jobs.run({
    handlers: { [moveKind]: moveTenant({ ledger, roots, templates, log: options.log }) },
    signal: stopping.signal,
  });
  // A ledger that does not answer is every request's own to report.
  opened.add(repeatedly(() => roots.catchUp(undefined), pollMs));
  startHousekeeping({ ...plans, ledger, roots, templates, log: options.log }, opened);
  opened.add(async () => {
    stopping.abort();
    await Promise.all([jobs, moving]);
  });
  return { control, health: () => tenantsHealth(health) };
};
