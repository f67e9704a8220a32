import { parseVirtualPath, type Settlement, type TenantRecord } from "@bulkhead/contract";
import type { S3Access } from "@bulkhead/harness";
import { plainContext } from "@bulkhead/kit";
import { type JobControl, type Ledger, openLedger, type RunningJob } from "@bulkhead/ledger";
import { afterwork } from "@bulkhead/settle";
import { closers } from "../closers.ts";
import { makeTenants } from "../make-tenants.ts";
import { openTenantDatabases } from "../open-tenant-databases.ts";
import { provisionTenant } from "../provision-tenant.ts";
import type { BackendSpec, PlacementSpec } from "../mount-spec.ts";
import type { LedgerRoot } from "../roots.ts";
import { tenantBuckets } from "../tenant-buckets.ts";

export interface TenantWorldOptions {
  /** The ledger's database. */
  readonly url: string;
  readonly sql?: string;
  /** Where tenants' databases are; beside the ledger by default. */
  readonly adminUrl?: string;
  /** Where the placement `bucketed` has buckets made, and what begins their names. */
  readonly store?: { readonly access: S3Access; readonly prefix: string };
  readonly ledger?: (ledger: Ledger) => Ledger;
}

/** What a process has that makes tenants with databases of their own, without what serves them. */
export const tenantWorld = async ({
  url,
  sql,
  adminUrl,
  store,
  ledger: changed = (one) => one,
}: TenantWorldOptions) => {
  const opened = closers((error) => {
    throw error;
  });
  const ledger = changed(await openLedger({ url, masterKeyFingerprint: "f".repeat(32) }));
  opened.add(() => ledger.close());
  const placements: Readonly<Record<string, PlacementSpec>> = {
    own: {
      backend: "postgres",
      options: { adminUrl },
      durability: "strict",
      readOnly: false,
      provisioningSql: sql,
    },
    ...(store && {
      bucketed: {
        backend: "memory",
        options: {},
        durability: "strict",
        readOnly: false,
        buckets: { backend: "store", names: ["uploads", "assets"], prefix: store.prefix },
      },
    }),
  };
  const backends: Readonly<Record<string, BackendSpec>> = store
    ? {
        store: {
          backend: "s3",
          options: { s3: { ...store.access, bucket: "none" } },
          durability: "strict",
          readOnly: false,
          tenants: false,
        },
      }
    : {};
  const { databases, pools } = openTenantDatabases(
    {
      ledger,
      ledgerUrl: url,
      placements,
      sealKeys: [new Uint8Array(32).fill(7)],
    },
    opened,
  );
  const work = afterwork(ledger.intents);
  opened.add(() => work.close());
  const rootOf = async (uid: string): Promise<LedgerRoot | undefined> =>
    (await ledger.roots.all()).roots.find(({ tenant }) => tenant.uid === uid);
  const buckets = tenantBuckets({ ledger, placements, backends });
  const handler = provisionTenant({
    ledger,
    databases,
    buckets,
    rootOf,
    made: () => Promise.resolve(),
  });
  const { create } = makeTenants({
    ledger,
    databases,
    buckets,
    roots: { catchUp: () => Promise.resolve() },
    elsewhere: { addressOf: () => Promise.resolve(undefined) },
    placement: "own",
  });
  const settlement = (tenant?: string): Settlement => ({ ...plainContext().settlement, tenant });
  return {
    ledger,
    databases,
    pools,
    rootOf,
    settlement,
    create: (id: string, placement = "own", subdomain?: string): Promise<TenantRecord> =>
      create(settlement(), {
        id,
        name: id,
        root: parseVirtualPath(`/workspace/${id}`),
        placement,
        subdomain,
        allowedRegions: undefined,
        limits: {},
        settings: {},
      }),
    /** Runs the job as its runner would, once. */
    provision: (
      tenantUid: string,
      progress: JobControl["progress"] = () => Promise.resolve(),
      job: Partial<RunningJob> = {},
    ): Promise<unknown> =>
      handler(
        {
          id: "job",
          kind: "tenant.provision",
          tenantUid,
          payload: {},
          progress: {},
          attempt: 1,
          ...job,
        },
        { signal: new AbortController().signal, progress },
      ),
    mountOf: (uid: string) => ({
      mount: `root:${uid}`,
      spec: { backend: "postgres", options: {}, durability: "strict", readOnly: false } as const,
      root: undefined,
      tenant: () => uid,
      intents: ledger.intents,
      afterwork: work,
      pools,
      database: async () => {
        const root = await rootOf(uid);
        if (root === undefined) throw new Error("There is no such tenant.");
        return databases.open(root);
      },
    }),
    close: opened.close,
  };
};
