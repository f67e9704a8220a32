import { createHash } from "node:crypto";
import {
  FileError,
  isFileError,
  isRoot,
  type MountInput,
  type MountPlan,
  type MountRefusal,
  type PlannedMounts,
  parent,
  parseVirtualPath,
  type ResidencyEffect,
  type Shadowed,
  type VirtualPath,
} from "@bulkhead/contract";
import { plainContext } from "@bulkhead/kit";
import { runtimeMountId, type StoredMount } from "@bulkhead/ledger";
import { groundOf, type MountChange } from "@bulkhead/policy";
import type { Mount, MountTable } from "@bulkhead/vfs";
import { closed } from "./closed.ts";
import { folderSegments, hasOwnPlace, mountPlace } from "./mount-place.ts";
import type { BackendSpec } from "./mount-spec.ts";
import type { LedgerRoot } from "./roots.ts";

/** What a plan is made on. */
export interface MountView {
  readonly table: MountTable;
  readonly stored: ReadonlyMap<string, StoredMount>;
  readonly rootAt: (path: VirtualPath) => LedgerRoot | undefined;
  readonly backends: Readonly<Record<string, BackendSpec>>;
  readonly namespaceRoots: readonly string[];
  /** Where placements put tenants' roots: no mount may lie in them or hold them. */
  readonly areas: readonly string[];
  readonly ledgerRegion: string | undefined;
  /** The regions that a tenant is bound to; undefined for one that is not. */
  readonly allowedRegions: (tenant: LedgerRoot["tenant"]) => Promise<readonly string[] | undefined>;
  /** Opens a storage that is not mounted, asks it, and closes it. Rejects where it cannot be used. */
  readonly ask: (
    input: MountInput,
    credentials: MountChange["credentials"][string] | undefined,
  ) => Promise<void>;
}

const ctx = () => plainContext({ requestId: "mounts" });

/** The fields of a wish in one fixed order, so that equal wishes read the same. */
const inOrder = (input: MountInput): MountInput => ({
  path: input.path,
  backend: input.backend,
  ...(input.tenant !== undefined && { tenant: input.tenant }),
  ...(input.readOnly !== undefined && { readOnly: input.readOnly }),
  ...(input.folder !== undefined && { folder: input.folder }),
  ...(input.bucket !== undefined && { bucket: input.bucket }),
  ...(input.region !== undefined && {
    region: typeof input.region === "string" ? input.region : { attested: input.region.attested },
  }),
  ...(input.priority !== undefined && { priority: input.priority }),
  ...(input.shadow !== undefined && { shadow: input.shadow }),
});

/** What a mount's storage has of its own, as the ledger keeps it. */
export const storageOf = ({
  folder,
  bucket,
  region,
  readOnly,
}: MountInput): StoredMount["storage"] => ({
  ...(folder !== undefined && { folder }),
  ...(bucket !== undefined && { bucket }),
  ...(region !== undefined && { region }),
  ...(readOnly !== undefined && { readOnly }),
});

/** Finds the template; one that is not the caller's to choose does not exist. Throws `invalid-request`. */
const templateOf = (view: MountView, input: MountInput, byTenant: boolean): BackendSpec => {
  const found = Object.hasOwn(view.backends, input.backend)
    ? view.backends[input.backend]
    : undefined;
  if (found === undefined || (byTenant && !found.tenants))
    throw new FileError("invalid-request", `There is no backend '${input.backend}' to mount.`);
  if (found.options.s3?.bucket === "" && input.bucket === undefined)
    throw new FileError(
      "invalid-request",
      `The backend '${input.backend}' has no bucket of its own; name one in 'bucket'.`,
    );
  if (input.folder !== undefined && folderSegments(input.folder).length === 0)
    throw new FileError("invalid-request", "The field 'folder' names a place below the backend's.");
  return found;
};

/**
 * Says what a change of mounts would do, and why it may not be done; changes nothing. Throws `invalid-request` for what
 * is no change at all.
 */
export const planMounts = async (view: MountView, change: MountChange): Promise<PlannedMounts> => {
  const refusals: MountRefusal[] = [];
  const shadows: Shadowed[] = [];
  const residency: ResidencyEffect[] = [];
  const tenants = new Set<string>();
  const refuse = (path: string, code: MountRefusal["code"], detail: string): void =>
    void refusals.push({ path, code, detail });

  const removed = [...new Set(change.remove)].toSorted();
  let table = view.table;
  for (const id of removed) {
    const mount = view.stored.get(id);
    if (mount === undefined) throw new FileError("not-found", "There is no such mount.");
    if (mount.tenant !== undefined) tenants.add(mount.tenant.id);
    if (mount.storage.made === true)
      refuse(mount.path, "conflict", "The bucket was made with its tenant, and goes with it.");
    else if (hasOwnPlace(mount.storage, kindOf(view, mount.backend)))
      await checkEmpty(view.table, mount, refuse);
    table = table
      .without([mount.path])
      .with(table.mountsAt(mount.path).filter((one) => one.id !== runtimeMountId(id)));
  }

  for (const input of change.add) {
    const template = templateOf(view, input, change.byTenant);
    const path = parseVirtualPath(input.path);
    const tenant = groundOfMount(view, input, path, refuse);
    if (tenant !== undefined) tenants.add(tenant.id);
    const hidden = await hides(table, path, refuse);
    shadows.push(...hidden);
    if (input.shadow !== true)
      for (const one of hidden)
        refuse(path, "conflict", `The mount would hide the ${one.kind} ${one.path}.`);

    const wanted = input.region ?? template.region;
    const region = wanted === undefined || typeof wanted === "string" ? wanted : wanted.attested;
    const content = region ?? view.ledgerRegion ?? null;
    residency.push({
      path,
      content,
      metadata: view.ledgerRegion ?? null,
      attested: typeof wanted !== "string",
    });
    const allowed = tenant && (await view.allowedRegions(tenant));
    if (allowed !== undefined && (content === null || !allowed.includes(content)))
      refuse(
        path,
        "residency",
        `The tenant's files may be in ${allowed.join(", ")}, and this storage is ${content === null ? "in no region that it names" : `in ${content}`}.`,
      );
    table = place(view, table, { input, path, tenantUid: tenant?.uid, order: table.size }, refuse);
    await view.ask(input, change.credentials[path]).catch((error: unknown) => {
      if (!isFileError(error)) throw error;
      refuse(path, "unavailable", error.detail);
    });
  }
  const plan: MountPlan = {
    add: change.add.map(inOrder),
    remove: removed,
    credentials: Object.keys(change.credentials).toSorted(),
    shadows,
    tenants: [...tenants].toSorted(),
    residency,
    refusals,
  };
  const hash = createHash("sha256").update(JSON.stringify(plan)).digest("hex");
  return { plan, hash };
};

type Refuse = (path: string, code: MountRefusal["code"], detail: string) => void;

/** Whose ground the mount point is on, where it may be one. */
const groundOfMount = (
  { namespaceRoots, rootAt }: MountView,
  input: MountInput,
  path: VirtualPath,
  refuse: Refuse,
): LedgerRoot["tenant"] | undefined => {
  const ground = groundOf(namespaceRoots, path);
  if (ground.kind === "namespace" || isRoot(path)) {
    refuse(path, "conflict", "The mount would hide tenants' roots; mount below one.");
    return undefined;
  }
  if (ground.kind === "platform") {
    if (input.tenant !== undefined)
      refuse(
        path,
        "conflict",
        `This is the platform's ground, not the tenant '${input.tenant}''s.`,
      );
    return undefined;
  }
  const root = rootAt(ground.root);
  if (root === undefined) {
    refuse(path, "conflict", `There is no tenant at ${ground.root}; make it first.`);
    return undefined;
  }
  const { tenant } = root;
  if (ground.kind === "root")
    refuse(
      path,
      "conflict",
      `This is the root of the tenant '${tenant.id}', which has its storage by its placement; mount below it.`,
    );
  if (input.tenant !== undefined && input.tenant !== tenant.id)
    refuse(
      path,
      "conflict",
      `This is the ground of the tenant '${tenant.id}', not of '${input.tenant}'.`,
    );
  return tenant;
};

const kindOf = ({ backends }: MountView, name: string): BackendSpec["backend"] | undefined =>
  Object.hasOwn(backends, name) ? backends[name]?.backend : undefined;

/** What is there now and could not be reached any more. */
const hides = async (
  table: MountTable,
  path: VirtualPath,
  refuse: Refuse,
): Promise<readonly Shadowed[]> => {
  if (table.mountAt(path) !== undefined) return [{ path, kind: "mount" }];
  try {
    for (let at: VirtualPath | undefined = path; at !== undefined; at = parent(at)) {
      const { mount, path: inner } = table.resolve(at);
      if (table.mountAt(at) !== undefined) return [];
      try {
        const { kind } = await mount.backend.stat(ctx(), inner);
        if (kind === "file") return [{ path: at, kind }];
        if (at !== path) return [];
        const page = await mount.backend.list(ctx(), inner, { limit: 1 });
        return page.entries.length === 0 ? [] : [{ path, kind }];
      } catch (error) {
        // Nothing there, or a file above: the next one up tells.
        if (!isFileError(error, "not-found") && !isFileError(error, "not-directory")) throw error;
      }
    }
    return [];
  } catch (error) {
    if (!isFileError(error, "unavailable") && !isFileError(error, "timeout")) throw error;
    refuse(path, "unavailable", "The storage there does not say now what would be hidden.");
    return [];
  }
};

const checkEmpty = async (table: MountTable, mount: StoredMount, refuse: Refuse): Promise<void> => {
  const id = runtimeMountId(mount.id);
  const backend = table.mountsAt(mount.path).find((one) => one.id === id)?.backend;
  try {
    const page = await backend?.list(ctx(), table.resolve(mount.path).path, { limit: 1 });
    if (page !== undefined && page.entries.length > 0)
      refuse(
        mount.path,
        "conflict",
        "The mount's own storage still holds files, which would belong to nobody; remove them first.",
      );
  } catch (error) {
    if (!isFileError(error, "unavailable") && !isFileError(error, "timeout")) throw error;
    refuse(mount.path, "unavailable", "The mount's storage does not say now whether it is empty.");
  }
};

/** Puts the mount into a table that nobody uses: what may not lie together is refused there. */
const place = (
  view: MountView,
  table: MountTable,
  wish: {
    readonly input: MountInput;
    readonly path: VirtualPath;
    readonly tenantUid: string | undefined;
    readonly order: number;
  },
  refuse: Refuse,
): MountTable => {
  const { input, path, tenantUid, order } = wish;
  const id = `planned-${order}`;
  const storage = storageOf(input);
  const found = mountPlace(view.backends, { id, backend: input.backend, storage, tenantUid });
  const root = found?.storageRoot;
  const mount: Mount = {
    id,
    path,
    priority: input.priority ?? 0,
    backend: closed("planned"),
    ...(root !== undefined && { storageRoot: root }),
  };
  // What has a place of its own may lie where others of its kind do.
  if (root !== undefined && !hasOwnPlace(storage) && view.areas.some((area) => nests(area, root)))
    refuse(path, "conflict", "Tenants' roots lie in this storage, or would.");
  try {
    return table.with([mount]);
  } catch (error) {
    if (!isFileError(error, "invalid-request")) throw error;
    refuse(path, "conflict", error.detail.replace(/mount 'planned-\d+'/i, "this mount"));
    return table;
  }
};

const nests = (a: string, b: string): boolean => {
  const [left, right] = [a.split("/"), b.split("/")];
  const short = Math.min(left.length, right.length);
  return left.slice(0, short).join("/") === right.slice(0, short).join("/");
};
