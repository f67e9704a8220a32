import { type Context, type Control, type VirtualPath, type WholeTree } from "@bulkhead/contract";
import { append, stack } from "@bulkhead/kit";
import {
  type Ledger,
  lockDataDir,
  mintKeyString,
  openLedger,
  startEmbedded,
} from "@bulkhead/ledger";
import {
  asWrite,
  audit,
  audited,
  authenticate,
  checkScope,
  checkServing,
  checkTenantId,
  decided,
  type Decide,
  type Decision,
  fence,
  filtered,
  keyControl,
  recordControl,
  scopesAllow,
  servedIdempotency,
  streamWatch,
  tenantControl,
  tenantGate,
  tenantsServe,
  type Tenants,
  withinBounds,
} from "@bulkhead/policy";
import { afterwork } from "@bulkhead/settle";
import { type Mount, scoped, tree } from "@bulkhead/vfs";
import { authorityOf } from "./authority.ts";
import { closers, type Closers } from "./closers.ts";
import { startCollector } from "./start-collector.ts";
import { createRoot } from "./create-root.ts";
import { deleteTenant } from "./delete-tenant.ts";
import { HeldElsewhere } from "./held.ts";
import type { MountSpec, PlacementSpec } from "./mount-spec.ts";
import { mountTemplates } from "./mount-templates.ts";
import { openHistory } from "./open-history.ts";
import { openPlatformKey, type PlatformKey } from "./platform-key.ts";
import { type LedgerRoot, rootsTable } from "./roots.ts";
import { enqueueTransfer, transferDirectories, transferKind } from "./transfer-job.ts";

export interface EngineOptions {
  /** The ledger's PostgreSQL; without it one is started in `dataDir`. */
  readonly databaseUrl: string | undefined;
  /** Where the ledger's own PostgreSQL, placements without a folder of their own, and the platform's files lie. */
  readonly dataDir: string;
  /** Names the master key; a ledger that knows another one does not open. */
  readonly masterKeyFingerprint: string;
  /** 32 bytes that sign certificates of removal. */
  readonly certificateKey: Uint8Array;
  /** Added to the platform keys, or one is minted at first start. */
  readonly platformKey: string | undefined;
  /** The region that the ledger is in. */
  readonly region: string | undefined;
  readonly namespaceRoots: readonly string[];
  readonly placements: Readonly<Record<string, PlacementSpec>>;
  readonly defaultPlacement: string;
  readonly mounts: readonly MountSpec[];
  readonly log: (event: string, detail: Readonly<Record<string, unknown>>) => void;
}

export interface Engine {
  readonly control: Control;
  readonly platformKey: PlatformKey;
  readonly close: () => Promise<void>;
}

/** How often a process that nobody asks looks for roots that came or went. */
const pollMs = 1000;

/** Builds the whole system: ledger, storages, mount table, tree, policy, control and jobs. Leaves nothing open if it fails. */
export const openEngine = async (options: EngineOptions): Promise<Engine> => {
  const opened = closers((error) =>
    options.log("close-failed", { error: error instanceof Error ? error.message : "unknown" }),
  );
  try {
    const ledger = await openControlPlane(options, opened);
    const platformKey = await openPlatformKey(ledger, options.dataDir, options.platformKey);
    return { control: await openTree(options, ledger, opened), platformKey, close: opened.close };
  } catch (error) {
    await opened.close();
    throw error;
  }
};

/** The ledger, in the PostgreSQL that is named or in one of our own, whose folder no second server may use. */
const openControlPlane = async (options: EngineOptions, opened: Closers): Promise<Ledger> => {
  let url = options.databaseUrl;
  if (url === undefined) {
    const lock = await lockDataDir(options.dataDir);
    opened.add(() => lock.release());
    const postgres = await startEmbedded({ dataDir: options.dataDir });
    opened.add(() => postgres.stop());
    url = postgres.url;
  }
  const ledger = await openLedger({
    url,
    masterKeyFingerprint: options.masterKeyFingerprint,
    region: options.region,
    log: ({ message, error }) =>
      options.log("ledger", {
        message,
        ...(error !== undefined && { error: error instanceof Error ? error.message : "unknown" }),
      }),
  });
  opened.add(() => ledger.close());
  return ledger;
};

const openTree = async (
  options: EngineOptions,
  ledger: Ledger,
  opened: Closers,
): Promise<Control> => {
  const { namespaceRoots } = options;
  const intentsAfter = afterwork(ledger.intents);
  opened.add(() => intentsAfter.close());
  const templates = mountTemplates({
    storages: {
      leases: ledger.leases,
      intents: ledger.intents,
      contentRoots: ledger.contentRoots,
      afterwork: intentsAfter,
      trees: ledger.trees,
      ledgerRegion: options.region,
    },
    placements: options.placements,
    dataDir: options.dataDir,
  });
  // A mount of the configuration asks on whose ground it is when it opens, long after the roots are known.
  const ground: { rootAt: (path: VirtualPath) => LedgerRoot | undefined } = {
    rootAt: () => undefined,
  };
  const fixed: readonly Mount[] = [
    templates.platform(namespaceRoots),
    ...options.mounts.map((spec) => templates.configured(spec, namespaceRoots, ground)),
  ];
  const roots = await rootsTable(ledger.roots, fixed, templates.root);
  ground.rootAt = roots.rootAt;
  opened.add(async () => {
    const closed = await Promise.allSettled(
      [...roots.table().mounts()].map((mount) => mount.backend.close()),
    );
    const failed = closed.find((result) => result.status === "rejected");
    if (failed !== undefined) throw failed.reason;
  });

  const tenants: Tenants = {
    rootAt: roots.rootAt,
    createRoot: createRoot(ledger, roots, options.defaultPlacement),
  };

  const authority = authorityOf({ keys: ledger.authority, roots });

  const streams = streamWatch(authority);
  opened.add(async () => streams.close());
  // The order of the answers: bounds, tenant, scopes, and then relations.
  const decide = (scopes: Decision): Decide =>
    decided([withinBounds, tenantsServe(tenants, namespaceRoots), scopes]);
  const governed = (storages: WholeTree, scopes: Decision): WholeTree =>
    stack<WholeTree>(
      storages,
      fence({
        authority,
        decide: decide(scopes),
        streams,
      }),
      filtered,
      tenantGate({ tenants, namespaceRoots, checkId: checkTenantId }),
    );
  const storages = tree(roots.table, { transfer: enqueueTransfer(ledger) });
  // Looking above one's bounds is answered from the bounds alone; it is reading all the same, by a tenant that serves.
  const mayLook = ({ principal }: Context): void => {
    checkServing(principal.tenant, principal);
    checkScope(principal, "read");
  };
  const door = scoped((ctx: Context) => ctx.principal.reach, namespaceRoots, mayLook);
  const session = audit(ledger.denials)(door(governed(storages, scopesAllow)));
  const appending = audit(ledger.denials, "append")(door(governed(storages, asWrite(scopesAllow))));

  const asks = audited(ledger.denials);
  const control: Control = {
    authenticate: authenticate({
      authority,
      sink: ledger.denials,
      tenants: ledger.tenants,
    }),
    session,
    history: openHistory(
      {
        ledger,
        roots,
        session,
        namespaceRoots,
        authority,
        audited: asks,
        decide: decide(scopesAllow),
      },
      opened,
    ),
    append: (ctx, path, body, write) => append(appending, ctx, path, body, write),
    keys: keyControl({
      keys: ledger.keys,
      tenants: ledger.tenants,
      roots: tenants,
      namespaceRoots,
      mintKeyString,
      audited: asks,
    }),
    tenants: tenantControl({
      tenants: ledger.tenants,
      namespaceRoots,
      placement: options.defaultPlacement,
      ledgerRegion: options.region,
      audited: asks,
    }),
    ...recordControl({
      tenants: ledger.tenants,
      jobs: ledger.jobs,
      auditLog: ledger.auditLog,
      audited: asks,
    }),
    idempotency: servedIdempotency(ledger.idempotency),
    unready: async () => (await Promise.all([ledger.ready(), unreadyMounts(fixed)])).flat(),
  };

  const stopping = new AbortController();
  const jobs = ledger.jobs.run({
    handlers: {
      "tenant.delete": deleteTenant({
        ledger,
        roots,
        templates,
        certificateKey: options.certificateKey,
      }),
      // Below the session, and without a job for what is one already.
      [transferKind]: transferDirectories(authority, governed(tree(roots.table), scopesAllow)),
    },
    signal: stopping.signal,
  });
  const poll = setInterval(() => {
    // A ledger that does not answer is every request's own to report.
    void roots.catchUp(undefined).catch(() => undefined);
  }, pollMs).unref();
  opened.add(startCollector({ leases: ledger.leases, roots, templates, log: options.log }));
  opened.add(async () => {
    clearInterval(poll);
    stopping.abort();
    await jobs;
  });
  return control;
};

/** Mounts whose storage does not answer. One that another process serves is that one's to report. */
const unreadyMounts = async (mounts: readonly Mount[]): Promise<readonly string[]> => {
  const probes = await Promise.allSettled(mounts.map((mount) => mount.backend.region()));
  return mounts
    .filter((_, i) => {
      const probe = probes[i];
      return probe?.status === "rejected" && !(probe.reason instanceof HeldElsewhere);
    })
    .map((mount) => `mount ${mount.path}`);
};
