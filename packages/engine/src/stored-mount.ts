import { FileError, type MountCredentials } from "@bulkhead/contract";
import { type Ledger, mountCredentials, runtimeMountId, type StoredMount } from "@bulkhead/ledger";
import type { Mount } from "@bulkhead/vfs";
import { closed } from "./closed.ts";
import { hasOwnPlace, type MountPlace, mountPlace } from "./mount-place.ts";
import { type BackendSpec, regionName } from "./mount-spec.ts";
import { openStorage, type StorageRequest, type Storages } from "./open-storage.ts";
import type { Sealer } from "./seal.ts";

/** Reads what opens a mount's storage. */
export interface Credentials {
  /** Those of the mount as it is now in the ledger; undefined where it has none of its own. */
  readonly of: (mount: StoredMount) => Promise<MountCredentials | undefined>;
}

const parsed = (text: string): MountCredentials => {
  const value: unknown = JSON.parse(text);
  if (typeof value !== "object" || value === null)
    throw new FileError("internal", "The credentials of a mount are not what was sealed.");
  return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, String(one)]));
};

/** Opens mounts' credentials, once for each generation: one that changed is read anew by the next call to its storage. */
export const credentialsIn = (
  secrets: Pick<Ledger["secrets"], "get">,
  sealer: Pick<Sealer, "open">,
  present: (id: string) => StoredMount | undefined,
): Credentials => {
  const known = new Map<string, { readonly at: number; readonly value: MountCredentials }>();
  return {
    of: async (mount) => {
      if (!mount.sealed) return undefined;
      const at = present(mount.id)?.generation ?? mount.generation;
      const before = known.get(mount.id);
      if (before?.at === at) return before.value;
      const place = { tenantUid: mount.tenant?.uid, name: mountCredentials(mount.id) };
      const secret = await secrets.get(place);
      if (secret === undefined)
        throw new FileError("unavailable", "The credentials of this mount are gone.");
      const value = parsed(sealer.open(place, secret));
      known.set(mount.id, { at, value });
      return value;
    },
  };
};

export interface StoredMountOptions {
  readonly storages: Storages;
  readonly backends: Readonly<Record<string, BackendSpec>>;
  readonly credentials: Credentials;
}

/** What a mount's storage is opened with, and where it is; undefined without its template. */
export const storedRequest =
  ({ backends, credentials }: Omit<StoredMountOptions, "storages">) =>
  (mount: StoredMount): (StorageRequest & Pick<MountPlace, "storageRoot">) | undefined => {
    const { tenant } = mount;
    const found = mountPlace(backends, { ...mount, tenantUid: tenant?.uid });
    if (found === undefined) return undefined;
    const { spec, folder, bucket, storageRoot } = found;
    return {
      mount: runtimeMountId(mount.id),
      spec,
      root: folder,
      bucket: bucket && {
        ...bucket,
        ...(mount.sealed && { credentials: () => credentials.of(mount) }),
      },
      tenant: () => tenant?.uid,
      storageRoot,
    };
  };

/** Makes a mount of what the ledger has of one. Without its template it keeps its place and answers 503. */
export const storedMount =
  ({ storages, ...options }: StoredMountOptions) =>
  (mount: StoredMount): Mount => {
    const { path, priority, storage } = mount;
    const request = storedRequest(options)(mount);
    const common = { id: runtimeMountId(mount.id), path, priority };
    if (request === undefined)
      return {
        ...common,
        brought: !hasOwnPlace(storage),
        backend: closed(`The backend '${mount.backend}' of this mount is not configured.`),
      };
    const { spec, storageRoot } = request;
    return {
      ...common,
      brought: !hasOwnPlace(storage, spec.backend),
      readOnly: spec.readOnly,
      ...regionName(spec.region),
      backend: openStorage(storages, request),
      ...(storageRoot !== undefined && { storageRoot }),
    };
  };
