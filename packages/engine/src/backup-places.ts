import { parseVirtualPath } from "@bulkhead/contract";
import { type LedgerDump, readTable, runtimeMountId } from "@bulkhead/ledger";
import { mountPlace } from "./mount-place.ts";
import type { BackendSpec, MountSpec, PlacementSpec } from "./mount-spec.ts";
import {
  configuredMountId,
  configuredPath,
  platformFolder,
  platformMount,
  rootFolder,
  rootMountId,
  rootStore,
} from "./root-folders.ts";
import type { LedgerRoot } from "./roots.ts";

/** A folder that holds what the ledger does not. */
export interface ContentPlace {
  /** The mount's id in the ledger. */
  readonly mount: string;
  readonly kind: "versioned" | "local";
  /** Where it is in the tree. */
  readonly path: string;
  readonly folder: string;
  /** The id that its marker has to have; undefined if the server never opened it. */
  readonly marker: string | undefined;
  /** True while its tenant is being deleted: what is missing there is missing rightly. */
  readonly going: boolean;
}

export interface Omission {
  readonly path: string;
  readonly why: "memory" | "read-only" | "own-database" | "bucket";
}

export interface PlacesOptions {
  readonly dataDir: string;
  readonly placements: Readonly<Record<string, PlacementSpec>>;
  readonly mounts: readonly MountSpec[];
  /** What mounts stand on that were made while the server ran. */
  readonly backends?: Readonly<Record<string, BackendSpec>> | undefined;
}

export interface Places {
  readonly places: readonly ContentPlace[];
  readonly omitted: readonly Omission[];
  /** Uids of the tenants that were deleted, or being so. */
  readonly deleted: ReadonlySet<string>;
}

/** Where the content of a dumped ledger lies, or has to lie, by the configuration. Throws where that does not say. */
export const placesOf = async (
  folder: string,
  dump: LedgerDump,
  { dataDir, placements, mounts, backends = {} }: PlacesOptions,
): Promise<Places> => {
  const { roots, deleted } = await rootsIn(folder, dump);
  const markers = new Map<string, string>();
  for await (const [mount = "", marker] of readTable(folder, dump, "content_root", [
    "mount",
    "marker",
  ]))
    if (marker !== undefined) markers.set(mount, marker);

  const places: ContentPlace[] = [
    {
      mount: platformMount,
      kind: "local",
      path: "/",
      folder: platformFolder(dataDir),
      marker: markers.get(platformMount),
      going: false,
    },
  ];
  const omitted: Omission[] = [];
  for (const root of roots) {
    const { path, placement, tenant } = root;
    const spec = placements[placement];
    if (spec === undefined) throw unconfigured(path, `the placement '${placement}'`);
    if (spec.backend === "memory") omitted.push({ path, why: "memory" });
    else if (spec.backend === "postgres") omitted.push({ path, why: "own-database" });
    else if (spec.backend === "s3" || spec.options.s3 !== undefined)
      omitted.push({ path, why: "bucket" });
    else {
      const mount = rootMountId(root);
      places.push({
        mount,
        kind: spec.backend,
        path,
        folder: rootFolder(placements, dataDir, root) ?? "",
        marker: markers.get(rootStore(root)),
        going: deleted.has(tenant.uid),
      });
    }
  }
  for (const spec of mounts) {
    const mount = configuredMountId(spec);
    const { root } = spec.options;
    if (spec.backend === "local" && root !== undefined && !spec.readOnly)
      places.push({
        mount,
        kind: "local",
        path: spec.path,
        folder: root,
        marker: markers.get(mount),
        going: false,
      });
    else
      omitted.push({
        path: spec.path,
        why: spec.readOnly ? "read-only" : spec.backend === "s3" ? "bucket" : "memory",
      });
  }
  // Their rows, sealed credentials among them, are the ledger's, and in its dump.
  const columns = ["id", "path", "tenant", "backend", "storage"];
  for await (const [id = "", path = "", tenantUid, backend = "", storage = "{}"] of readTable(
    folder,
    dump,
    "mount",
    columns,
  )) {
    const found = mountPlace(backends, { id, backend, storage: JSON.parse(storage), tenantUid });
    if (found === undefined) throw unconfigured(path, `the backend '${backend}'`);
    const { spec } = found;
    const mount = runtimeMountId(id);
    const isFolder = spec.backend === "local" || spec.backend === "versioned";
    if (found.bucket === undefined && found.folder !== undefined && isFolder && !spec.readOnly)
      places.push({
        mount,
        kind: spec.backend,
        path,
        folder: found.folder,
        marker: markers.get(mount),
        going: tenantUid !== undefined && deleted.has(tenantUid),
      });
    else
      omitted.push({
        path,
        why: found.bucket !== undefined ? "bucket" : spec.readOnly ? "read-only" : "memory",
      });
  }
  const configured = new Set(mounts.map(configuredMountId));
  for (const id of markers.keys()) {
    const path = configuredPath(id);
    if (path !== undefined && !configured.has(id)) throw unconfigured(path, "that mount");
  }
  return { places, omitted, deleted };
};

const unconfigured = (path: string, what: string): Error =>
  new Error(
    `The ledger knows ${path}, and the configuration has not ${what}: name the server's --config.`,
  );

const statuses = ["provisioning", "trial", "active", "suspended", "cancelled", "deleting"] as const;

const rootsIn = async (
  folder: string,
  dump: LedgerDump,
): Promise<{ readonly roots: readonly LedgerRoot[]; readonly deleted: ReadonlySet<string> }> => {
  const tenants = new Map<string, LedgerRoot["tenant"]>();
  const deleted = new Set<string>();
  for await (const [uid = "", id = "", named] of readTable(folder, dump, "tenant", [
    "uid",
    "id",
    "status",
  ])) {
    if (named === "deleted" || named === "deleting") deleted.add(uid);
    const status = statuses.find((one) => one === named);
    if (status !== undefined) tenants.set(uid, { uid, id, status });
  }
  const roots: LedgerRoot[] = [];
  // A backup of a release that moved nobody yet has no such column.
  const moved = dump.tables.some(
    ({ name, columns }) => name === "root" && columns.includes("copy"),
  );
  for await (const [path = "", uid = "", placement = "", generation = "", copy = "0"] of readTable(
    folder,
    dump,
    "root",
    ["path", "tenant", "placement", "generation", ...(moved ? ["copy"] : [])],
  )) {
    const tenant = tenants.get(uid);
    if (tenant !== undefined)
      roots.push({
        path: parseVirtualPath(path),
        tenant,
        placement,
        generation: Number(generation),
        copy: Number(copy),
      });
  }
  return { roots, deleted };
};
