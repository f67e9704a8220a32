import {
  type Context,
  type Control,
  isFileError,
  type PlanSettings,
  silent,
  type VirtualPath,
  type WholeSession,
  type WholeTree,
} from "@bulkhead/contract";
import { append, makeDirectory } from "@bulkhead/kit";
import { type Ledger, mintKeyString } from "@bulkhead/ledger";
import {
  type Audited,
  authenticate,
  billControl,
  type Authority,
  type Entrance,
  type ChosenPlacement,
  type Elsewhere,
  explainControl,
  type FailedAttempts,
  type Grounds,
  groundAllows,
  groupControl,
  healthControl,
  keyControl,
  linkControl,
  modelControl,
  type MountStore,
  moveControl,
  type MoveControlOptions,
  names,
  ownModels,
  planControl,
  quotaControl,
  recordControl,
  type PlacementWish,
  relationControl,
  type Relations,
  scopesAllow,
  servedIdempotency,
  shareControl,
  type StreamWatch,
  tenantControl,
  type Tenants,
  type TenantsHealthOptions,
  type TenantPlanStore,
  type TenantStore,
  tenantsServe,
  usageControl,
  userControl,
} from "@bulkhead/policy";
import { leadsToBounds, scope, sharedFrom } from "@bulkhead/vfs";
import { storedAt, throughShares } from "./explained.ts";
import { modelLanguage } from "./model-language.ts";
import type { HeadSigner } from "./head-signer.ts";
import { placeControls } from "./place-controls.ts";
import type { RootsTable } from "./roots.ts";
import type { RunningMeter } from "./start-metering.ts";
import type { ShareDoor } from "./share-door.ts";

export interface ControlOptions {
  readonly ledger: Ledger;
  readonly asks: Audited;
  readonly authority: Authority;
  readonly session: WholeSession;
  readonly appending: WholeSession;
  /** With all policy of the tree, below the session. */
  readonly governed: WholeTree;
  /** Below all policy. */
  readonly storages: WholeTree;
  readonly tenants: Tenants;
  readonly tenantStore: TenantStore & TenantPlanStore;
  readonly plans: PlanSettings;
  readonly relations: Relations;
  readonly grounds: Grounds;
  readonly mounts: MountStore;
  readonly streams: StreamWatch;
  readonly door: Entrance;
  readonly attempts: FailedAttempts;
  readonly sharing: ShareDoor;
  readonly roots: Pick<RootsTable, "table" | "catchUp">;
  readonly metering: RunningMeter;
  /** Judges signed heads of audit chains; undefined where there is no key. */
  readonly signer: HeadSigner | undefined;
  readonly namespaceRoots: readonly string[];
  readonly checkMove: MoveControlOptions["checkMove"];
  readonly place: (wish: PlacementWish) => ChosenPlacement;
  readonly elsewhere: Elsewhere;
  readonly region: string | undefined;
  readonly health: TenantsHealthOptions;
}

/** Everything that a front calls, over an open tree. */
export const openControl = (
  options: ControlOptions,
): Omit<Control, "history" | "uploads" | "unready"> => {
  const { ledger, authority, session, appending, tenants, namespaceRoots, asks, attempts } =
    options;
  const common = { authority, tenants: ledger.tenants, audited: asks };
  const subjects = {
    ...common,
    users: ledger.subjects,
    makeDirectories: makeDirectories(options),
  };
  const words = names({
    tenants: ledger.tenants,
    subjects: ledger.subjects,
    grounds: options.grounds,
  });
  const statAt: WholeTree["stat"] = (ctx, path) => options.storages.stat(ctx, path);
  const language = modelLanguage();
  return {
    authenticate: authenticate({
      authority,
      sink: ledger.denials,
      tenants: ledger.tenants,
      attempts,
      subdomains: ledger.directory,
      elsewhere: options.elsewhere,
    }),
    enter: options.door.enter,
    ...placeControls(options),
    session,
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
      tenants: options.tenantStore,
      namespaceRoots,
      place: options.place,
      audited: asks,
      plans: options.plans,
    }),
    plans: planControl({
      tenants: options.tenantStore,
      quota: ledger.quota,
      plans: options.plans,
      audited: asks,
    }),
    quota: quotaControl({
      tenants: options.tenantStore,
      quota: ledger.quota,
      audited: asks,
      jobs: ledger.jobs,
      requestsOf: async (uid) => {
        await options.metering.flush();
        return ledger.usage.requestsThisMonth(uid);
      },
    }),
    moves: moveControl({
      moves: ledger.moves,
      tenants: ledger.tenants,
      jobs: ledger.jobs,
      checkMove: options.checkMove,
      audited: asks,
    }),
    relations: relationControl({
      ...common,
      tuples: ledger.relations,
      relations: options.relations,
      grounds: options.grounds,
      names: words,
      ownModels: ownModels({
        models: ledger.models,
        language,
        tuples: ledger.relations,
        tenants: ledger.tenants,
        names: words,
      }),
    }),
    models: modelControl({ ...common, models: ledger.models, language, names: words }),
    shares: shareControl({
      ...common,
      shares: ledger.shares,
      tuples: ledger.relations,
      grounds: options.grounds,
      names: words,
      sharedFrom,
      kindAt: kindAt(options.storages),
    }),
    links: linkControl({
      shares: ledger.shares,
      tenants: ledger.tenants,
      sink: ledger.denials,
      attempts,
      visit: options.door.visit,
      streams: options.streams,
      storages: options.storages,
      meter: options.metering.meter,
      recordRead: ledger.auditLog.record,
      catchUp: () => options.roots.catchUp(undefined),
      now: Date.now,
    }),
    ...explainControl({
      authority,
      audited: asks,
      quota: ledger.quota,
      relations: options.relations,
      rates: options.door.look,
      place: ({ principal }, path) => scope(principal.reach, namespaceRoots, path),
      leadsToBounds: ({ principal }, path) => leadsToBounds(principal.reach, namespaceRoots, path),
      through: throughShares(options.sharing, options.governed),
      tenantsServe: tenantsServe(tenants, namespaceRoots),
      scopesAllow,
      groundAllows: groundAllows({ tenants, namespaceRoots }),
      tenantAt: options.grounds.tenantAt,
      storedAt: storedAt(options.roots),
      statAt,
      writeSubject: words.write,
    }),
    users: userControl(subjects),
    groups: groupControl(subjects),
    ...recordControl({
      tenants: ledger.tenants,
      jobs: ledger.jobs,
      auditLog: {
        list: ledger.auditLog.list,
        examine: (uid) => ledger.auditLog.examine(uid, options.signer?.isSigned),
      },
      audited: asks,
      rateLimits: options.door.limits,
    }),
    bills: billControl({
      tenants: ledger.tenants,
      billed: ledger.usage.billed,
      flush: options.metering.flush,
      currency: options.plans.currency,
      audited: asks,
    }),
    health: healthControl({ ...options.health, audited: asks }),
    usage: usageControl({
      tenants: ledger.tenants,
      usage: ledger.usage,
      flush: options.metering.flush,
      audited: asks,
    }),
    metering: asked(options),
    idempotency: servedIdempotency(ledger.idempotency),
  };
};

/** Counts what is asked for the tenant on whose ground it is. */
const asked = ({
  metering: { meter },
  grounds,
  namespaceRoots,
}: Pick<ControlOptions, "metering" | "grounds" | "namespaceRoots">): Control["metering"] => ({
  count: ({ principal, now }, kind, path) => {
    // Above its bounds a key sees the way to them alone: that is its own tenant's.
    const above = leadsToBounds(principal.reach, namespaceRoots, path);
    const tenant = above
      ? principal.tenant?.uid
      : grounds.tenantAt(scope(principal.reach, namespaceRoots, path));
    meter.count({ tenant, keyId: principal.keyId, now }, kind);
  },
});

/** What is at a path, whoever asks; undefined if nothing is. */
const kindAt =
  (storages: WholeTree) =>
  async (ctx: Context, path: VirtualPath): Promise<"file" | "directory" | undefined> => {
    try {
      return (await storages.stat(ctx, path)).kind;
    } catch (error) {
      if (isFileError(error, "not-found") || isFileError(error, "not-directory")) return undefined;
      throw error;
    }
  };

/** Makes directories where they are missing, one below the other, without a caller whose rights were asked. */
const makeDirectories =
  ({ ledger, storages }: Pick<ControlOptions, "ledger" | "storages">) =>
  async (ctx: Context, tenant: string, paths: readonly VirtualPath[]): Promise<void> => {
    // They are told by the entry of what they are made for.
    await ledger.auditLog.checkWritable(tenant);
    const settlement = { ...silent(ctx.settlement), tenant };
    const own: Context = {
      ...ctx,
      settlement,
      commit: async () => {
        const [now] = await ledger.relations.revisions([tenant]);
        settlement.revisions = now === undefined ? [] : [now];
      },
    };
    for (const path of paths)
      await makeDirectory(storages, own, path, { parents: true, existOk: true });
  };
