import { nameOf, type Revision, segmentsOf, type VirtualPath } from "@bulkhead/contract";
import type { RootRecord as LedgerRoot, Roots, StoredMount } from "@bulkhead/ledger";
import { runtimeMountId } from "@bulkhead/ledger";
import { type Mount, MountTable } from "@bulkhead/vfs";
import { closed } from "./closed.ts";

export type { LedgerRoot };

export interface RootsTable {
  /** The present table; one call of the tree keeps the one it began with. */
  readonly table: () => MountTable;
  readonly rootAt: (path: VirtualPath) => LedgerRoot | undefined;
  readonly all: () => Iterable<LedgerRoot>;
  readonly rootsOf: (uid: string) => readonly LedgerRoot[];
  /** The uid of the tenant of that id; undefined if no root says it. */
  readonly uidOf: (id: string) => string | undefined;
  /** The mounts that were made while the server ran. */
  readonly stored: () => ReadonlyMap<string, StoredMount>;
  /** Resolves once the table is at least as new as `revision`. */
  readonly catchUp: (revision: Revision | undefined) => Promise<void>;
}

export interface RootsTableOptions {
  readonly feed: Roots;
  readonly fixed: readonly Mount[];
  readonly mountRoot: (root: LedgerRoot) => Mount;
  readonly mountStored: (mount: StoredMount) => Mount;
  /** Told of a mount that has no place in the table beside the others. */
  readonly misplaced: (mount: StoredMount, error: unknown) => void;
}

/** Keeps the mount table in step with the tenants' roots and the mounts in the ledger. */
export const rootsTable = async ({
  feed,
  fixed,
  mountRoot,
  mountStored,
  misplaced,
}: RootsTableOptions): Promise<RootsTable> => {
  let revision: Revision;
  let table: MountTable;
  let roots = new Map<VirtualPath, LedgerRoot>();
  const stored = new Map<string, StoredMount>();
  let running: Promise<void> | undefined;
  // Made when it is first asked for after a change.
  let tenants: Index | undefined;
  const index = (): Index => (tenants ??= indexOf(roots.values()));

  const close = (paths: readonly VirtualPath[]): void => {
    // In the background: what is still being sent from a mount that is gone may end, nothing new begins.
    for (const path of paths)
      void table
        .mountAt(path)
        ?.backend.close()
        .catch(() => undefined);
  };

  /** What was mounted is let go of and closes when it is idle: what is being sent from it goes on to its end. */
  const unmount = (next: MountTable, mount: StoredMount): MountTable => {
    const left = next.mountsAt(mount.path).filter(({ id }) => id !== runtimeMountId(mount.id));
    return next.without([mount.path]).with(left);
  };

  const mountAll = (next: MountTable, mounts: readonly StoredMount[]): MountTable => {
    let made = next;
    for (const mount of mounts) {
      const wanted = mountStored(mount);
      try {
        made = made.with([wanted]);
      } catch (error) {
        misplaced(mount, error);
        // It keeps its place all the same: nothing is routed past it.
        made = atAnyRate(made, outOfPlace(wanted));
      }
    }
    return made;
  };

  /** Takes over which mounts there are: those that are gone make room before others come in. */
  const remount = (
    next: MountTable,
    mounts: readonly StoredMount[],
    gone: Iterable<string>,
  ): MountTable => {
    let left = next;
    for (const id of gone) {
      const before = stored.get(id);
      if (before !== undefined) left = unmount(left, before);
      stored.delete(id);
    }
    // Of a mount that is there only the credentials change, and those are asked for at each call to its storage.
    const made = mounts.filter((mount) => !stored.has(mount.id));
    for (const mount of mounts) stored.set(mount.id, mount);
    return mountAll(left, made);
  };

  const load = async (): Promise<void> => {
    const snapshot = await feed.all();
    const next = new Map(snapshot.roots.map((root) => [root.path, root]));
    const gone = [...roots]
      .filter(([path, root]) => !same(root, next.get(path)))
      .map(([path]) => path);
    close(gone);
    const made = [...next]
      .filter(([path, root]) => !same(root, roots.get(path)))
      .map(([, root]) => mountRoot(root));
    const there = new Set(snapshot.mounts.map(({ id }) => id));
    const unmounted = [...stored.keys()].filter((id) => !there.has(id));
    table = remount(table.without(gone).with(made), snapshot.mounts, unmounted);
    roots = next;
    tenants = undefined;
    revision = snapshot.revision;
  };

  const apply = async (): Promise<void> => {
    const delta = await feed.since(revision);
    if (delta === "reload") return load();
    const replaced = delta.roots.filter((root) => !same(root, roots.get(root.path)));
    const gone = [...delta.removed, ...replaced.map((root) => root.path)].filter((path) =>
      roots.has(path),
    );
    if (gone.length > 0 || replaced.length > 0) {
      close(gone);
      const left = gone.length === 0 ? table : table.without(gone);
      table = left.with(replaced.map(mountRoot));
    }
    if (delta.mounts.length > 0 || delta.unmounted.length > 0)
      table = remount(table, delta.mounts, delta.unmounted);
    for (const path of delta.removed) roots.delete(path);
    for (const root of delta.roots) roots.set(root.path, root);
    tenants = undefined;
    revision = delta.revision;
  };

  table = MountTable.of(fixed);
  await load();

  const isCurrent = (wanted: Revision | undefined): boolean =>
    wanted !== undefined && wanted.epoch === revision.epoch && wanted.n <= revision.n;

  return {
    table: () => table,
    rootAt: (path) => roots.get(path),
    all: () => roots.values(),
    rootsOf: (uid) => index().roots.get(uid) ?? [],
    uidOf: (id) => index().uids.get(id),
    stored: () => stored,
    catchUp: async (wanted) => {
      if (isCurrent(wanted)) return;
      // One at a time: who comes while one runs may need what it began too early to see, and asks again.
      while (running !== undefined) await running;
      if (isCurrent(wanted)) return;
      running = apply().finally(() => {
        running = undefined;
      });
      await running;
    },
  };
};

const outOfPlace = ({ id, path, priority = 0 }: Mount): Mount => ({
  id,
  path,
  priority,
  backend: closed("This mount's storage is another mount's, too; one of them has to go."),
});

const atAnyRate = (table: MountTable, mount: Mount): MountTable => {
  try {
    return table.with([mount]);
  } catch {
    // Another mount at the very point serves it.
    return table;
  }
};

interface Index {
  readonly roots: ReadonlyMap<string, readonly LedgerRoot[]>;
  readonly uids: ReadonlyMap<string, string>;
}

const indexOf = (all: Iterable<LedgerRoot>): Index => {
  const roots = new Map<string, LedgerRoot[]>();
  const uids = new Map<string, string>();
  for (const root of all) {
    const { uid, id } = root.tenant;
    const own = roots.get(uid);
    if (own === undefined) roots.set(uid, [root]);
    else own.push(root);
    uids.set(id, uid);
  }
  return { roots, uids };
};

/** Finds the first root of a tenant, as of now; undefined once the tenant is gone. */
export const firstRootOf =
  (roots: Pick<RootsTable, "catchUp" | "rootsOf">) =>
  async (uid: string): Promise<LedgerRoot | undefined> => {
    await roots.catchUp(undefined);
    return roots.rootsOf(uid).toSorted((a, b) => a.generation - b.generation)[0];
  };

const isGoing = ({ tenant }: LedgerRoot): boolean => tenant.status === "deleting";

/**
 * True if the mount of one may go on serving the other. A tenant's status alone does not change its mount, except that
 * a process lets go of what is being deleted, so that whichever takes the job can hold it.
 */
const same = (a: LedgerRoot, b: LedgerRoot | undefined): boolean =>
  b !== undefined &&
  a.tenant.uid === b.tenant.uid &&
  a.generation === b.generation &&
  a.placement === b.placement &&
  a.copy === b.copy &&
  isGoing(a) === isGoing(b);

/** The first segment of a root's path. */
export const namespaceOf = (root: LedgerRoot): string =>
  segmentsOf(root.path)[0] ?? nameOf(root.path);
