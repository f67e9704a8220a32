import { randomUUID } from "node:crypto";
import {
  FileError,
  isFileError,
  type MountCredentials,
  type MountRecord,
  type MountRegion,
  type PageOf,
  type PageQuery,
  parseVirtualPath,
  type VirtualPath,
} from "@bulkhead/contract";
import { compareUtf8, plainContext } from "@bulkhead/kit";
import {
  type Ledger,
  mountCredentials,
  type NewMount,
  runtimeMountId,
  type StoredMount,
} from "@bulkhead/ledger";
import { groundOf, type MountChange, type MountStore, type StandingMount } from "@bulkhead/policy";
import { configuredMountId } from "./root-folders.ts";
import type { BackendSpec, MountSpec } from "./mount-spec.ts";
import { effectsOf } from "./mount-effects.ts";
import { type MountView, planMounts, storageOf } from "./plan-mounts.ts";
import type { RootsTable } from "./roots.ts";
import type { Sealer } from "./seal.ts";

export interface MountStoreOptions {
  readonly ledger: Pick<Ledger, "mounts" | "tenants">;
  readonly roots: Pick<RootsTable, "table" | "stored" | "rootAt" | "catchUp">;
  readonly backends: Readonly<Record<string, BackendSpec>>;
  /** Those of the configuration. */
  readonly configured: readonly MountSpec[];
  readonly namespaceRoots: readonly string[];
  readonly areas: readonly string[];
  readonly ledgerRegion: string | undefined;
  readonly sealer: Pick<Sealer, "seal">;
  readonly tenantAt: (path: VirtualPath) => string | undefined;
  readonly ask: MountView["ask"];
  /** True if unmounting it leaves a tree behind. */
  readonly isTree: (mount: StoredMount) => boolean;
  /** Wakes who takes that away. */
  readonly wake: () => void;
}

const regionOf = (region: MountRegion | undefined): Pick<MountRecord, "region" | "attested"> =>
  region === undefined
    ? { region: null, attested: false }
    : typeof region === "string"
      ? { region, attested: false }
      : { region: region.attested, attested: true };

/** The mounts of the table for those who administer them: what is there, what would be, and the change itself. */
export const mountStore = (options: MountStoreOptions): MountStore => {
  const { ledger, roots, backends, sealer } = options;

  const standing = (mount: StoredMount): StandingMount => {
    const template = Object.hasOwn(backends, mount.backend) ? backends[mount.backend] : undefined;
    return {
      id: mount.id,
      path: mount.path,
      tenantUid: mount.tenant?.uid,
      record: {
        id: mount.id,
        path: mount.path,
        origin: "api",
        tenant: mount.tenant?.id ?? null,
        backend: mount.backend,
        ...regionOf(mount.storage.region ?? template?.region),
        readOnly: mount.storage.readOnly ?? template?.readOnly ?? false,
        priority: mount.priority,
        credentials: mount.sealed,
        createdAt: mount.createdAt,
        createdBy: mount.createdBy,
        updatedAt: mount.updatedAt,
      },
    };
  };

  const configured = (spec: MountSpec): StandingMount => {
    const path = parseVirtualPath(spec.path);
    const ground = groundOf(options.namespaceRoots, path);
    const root = ground.kind === "below" ? roots.rootAt(ground.root) : undefined;
    return {
      id: configuredMountId(spec),
      path,
      tenantUid: root?.tenant.uid,
      record: {
        id: configuredMountId(spec),
        path,
        origin: "config",
        tenant: root?.tenant.id ?? null,
        backend: spec.backend,
        ...regionOf(spec.region),
        readOnly: spec.readOnly,
        priority: spec.priority,
        credentials: false,
        createdAt: null,
        createdBy: null,
        updatedAt: null,
      },
    };
  };

  const all = (): readonly StandingMount[] => [
    ...options.configured.map(configured),
    ...[...roots.stored().values()].map(standing),
  ];

  const view = (): MountView => ({
    table: roots.table(),
    stored: roots.stored(),
    rootAt: roots.rootAt,
    backends,
    namespaceRoots: options.namespaceRoots,
    areas: options.areas,
    ledgerRegion: options.ledgerRegion,
    allowedRegions: async ({ id }) => (await ledger.tenants.get(id))?.allowedRegions ?? undefined,
    ask: options.ask,
  });

  const storedOf = ({ id }: StandingMount): StoredMount => {
    const mount = roots.stored().get(id);
    if (mount === undefined) throw new FileError("not-found", "There is no such mount.");
    return mount;
  };

  const newMount = (
    { add, credentials }: MountChange,
    index: number,
    uidAt: (path: VirtualPath) => string | undefined,
  ): NewMount => {
    const input = add[index];
    if (input === undefined) throw new RangeError("There is no such mount in the change.");
    const id = randomUUID();
    const path = parseVirtualPath(input.path);
    const tenantUid = uidAt(path);
    const given = credentials[input.path];
    return {
      id,
      path,
      tenantUid,
      backend: input.backend,
      storage: storageOf(input),
      priority: input.priority ?? 0,
      credentials: given && sealed(tenantUid, id, given),
    };
  };

  const sealed = (tenantUid: string | undefined, id: string, credentials: MountCredentials) =>
    sealer.seal({ tenantUid, name: mountCredentials(id) }, JSON.stringify(credentials));

  const basis = () => {
    const mounts = [...roots.stored().values()];
    const latest = mounts.reduce((most, { generation }) => Math.max(most, generation), 0);
    return { count: mounts.length, latest };
  };

  return {
    list: async (query, visible) => {
      await roots.catchUp(undefined);
      return pageOf(all().filter(visible), query);
    },
    find: async (id) => {
      await roots.catchUp(undefined);
      return all().find((mount) => mount.id === id);
    },
    state: async ({ id, path, record }) => {
      const own = roots.stored().has(id) ? runtimeMountId(id) : id;
      const backend = roots
        .table()
        .mountsAt(path)
        .find((one) => one.id === own)?.backend;
      try {
        await backend?.probe(plainContext({ requestId: "mounts" }));
        const region = await backend?.region();
        return {
          ...record,
          state: backend === undefined ? "unavailable" : "serving",
          verified: region !== undefined && region === record.region,
        };
      } catch (error) {
        if (!isFileError(error)) throw error;
        return { ...record, state: "unavailable", verified: false };
      }
    },
    plan: async (change) => {
      await roots.catchUp(undefined);
      return planMounts(view(), change);
    },
    apply: async (settlement, change, hash) => {
      await roots.catchUp(undefined);
      const stands = basis();
      const now = await planMounts(view(), change);
      const { refusals } = now.plan;
      const effects = effectsOf(now.plan);
      if (now.hash !== hash)
        throw new FileError("conflict", "The plan would do something else by now; plan again.", {
          retry: "never",
          fields: { effects },
        });
      if (refusals.length > 0)
        throw new FileError(
          refusals.every(({ code }) => code === "residency") ? "residency" : "conflict",
          "The plan is refused; its refusals say why.",
          { retry: "never", fields: { effects } },
        );
      const add = change.add.map((_, i) => newMount(change, i, options.tenantAt));
      const remove = now.plan.remove.flatMap((id) => roots.stored().get(id) ?? []);
      await ledger.mounts.apply(settlement, {
        add,
        remove,
        retire: remove.filter(options.isTree),
        basis: stands,
      });
      if (remove.some(options.isTree)) options.wake();
      await roots.catchUp(undefined);
      const made = new Set(add.map(({ id }) => id));
      return [...roots.stored().values()]
        .filter(({ id }) => made.has(id))
        .map((mount) => standing(mount).record);
    },
    remove: async (settlement, mount) => {
      await roots.catchUp(undefined);
      const stands = basis();
      const change = { add: [], remove: [mount.id], credentials: {}, byTenant: false };
      const { plan } = await planMounts(view(), change);
      const [refusal] = plan.refusals;
      if (refusal !== undefined)
        throw new FileError(
          refusal.code === "unavailable" ? "unavailable" : "not-empty",
          refusal.detail,
        );
      const remove = [storedOf(mount)];
      const retire = remove.filter(options.isTree);
      await ledger.mounts.apply(settlement, { add: [], remove, retire, basis: stands });
      if (retire.length > 0) options.wake();
      await roots.catchUp(undefined);
    },
    rotate: async (settlement, mount, credentials) => {
      const stored = storedOf(mount);
      const { storage, backend } = stored;
      // The present ones stay until these were found good.
      await options.ask({ path: stored.path, backend, ...storage }, credentials);
      await ledger.mounts.rotate(
        settlement,
        stored,
        sealed(stored.tenant?.uid, stored.id, credentials),
      );
      await roots.catchUp(undefined);
      return standing(storedOf(mount)).record;
    },
  };
};

/** Where one mount is in the list: its path, then its priority, greatest first. */
const compare = (a: StandingMount, b: StandingMount): number =>
  compareUtf8(a.path, b.path) || b.record.priority - a.record.priority;

const defaultPage = 100;

const pageOf = (mounts: readonly StandingMount[], query: PageQuery): PageOf<MountRecord> => {
  const limit = query.limit ?? defaultPage;
  const after = query.after === undefined ? undefined : positionOf(query.after);
  const rest = mounts
    .toSorted(compare)
    .filter(
      ({ path, record }) =>
        after === undefined ||
        compareUtf8(path, after.path) > 0 ||
        (path === after.path && record.priority < after.priority),
    );
  const items = rest.slice(0, limit).map(({ record }) => record);
  const last = items.at(-1);
  return rest.length > limit && last !== undefined
    ? { items, next: JSON.stringify([last.path, last.priority]) }
    : { items };
};

const positionOf = (after: string): { readonly path: string; readonly priority: number } => {
  try {
    const [path, priority]: readonly unknown[] = JSON.parse(after);
    if (typeof path === "string" && typeof priority === "number") return { path, priority };
  } catch {
    // Falls through to the one refusal.
  }
  throw new FileError("invalid-request", "The cursor 'after' is not one that this list gave.");
};
