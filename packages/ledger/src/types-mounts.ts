import type { Settlement, TenantRef, VirtualPath } from "@bulkhead/contract";
import type { SealedSecret } from "./types-provisioning.ts";

/** What a mount has of its own beside its template. Nothing in it is secret. */
export interface MountStorage {
  /** Where below the template's place it lies; undefined: in a place of the mount's own, which goes with its tenant. */
  readonly folder?: string | undefined;
  /** Instead of the template's bucket. */
  readonly bucket?: string | undefined;
  readonly region?: string | { readonly attested: string } | undefined;
  readonly readOnly?: boolean | undefined;
  /** True where the bucket was made with its tenant: it is that tenant's alone, and goes with it. */
  readonly made?: boolean | undefined;
}

/** A mount that was made while the server ran. */
export interface StoredMount {
  readonly id: string;
  readonly path: VirtualPath;
  /** On whose ground it lies; undefined for the platform's. */
  readonly tenant: TenantRef | undefined;
  /** The name of its template in the configuration. */
  readonly backend: string;
  readonly storage: MountStorage;
  readonly priority: number;
  /** Another one after each change, always greater. */
  readonly generation: number;
  /** True if it has credentials of its own. */
  readonly sealed: boolean;
  readonly createdAt: number;
  readonly createdBy: string;
  readonly updatedAt: number;
}

export interface NewMount {
  readonly id: string;
  readonly path: VirtualPath;
  readonly tenantUid: string | undefined;
  readonly backend: string;
  readonly storage: MountStorage;
  readonly priority: number;
  readonly credentials: SealedSecret | undefined;
}

/** Which mounts there are, as far as a plan stands on it: how many, and the latest generation of all. */
export interface MountsBasis {
  readonly count: number;
  readonly latest: number;
}

export interface Mounts {
  /**
   * Makes and removes mounts in one step. Resolves when nothing that was decided before can still take effect. Rejects
   * with `conflict` if mounts are not `basis` any more.
   */
  readonly apply: (
    settlement: Settlement,
    change: {
      readonly add: readonly NewMount[];
      readonly remove: readonly StoredMount[];
      /** Those of them that leave a tree behind, which a job of the kind `retireKind` takes away. */
      readonly retire: readonly StoredMount[];
      readonly basis: MountsBasis;
    },
  ) => Promise<void>;
  /** Forgets the last of a mount that was to be retired: its credentials. Idempotent. */
  readonly retired: (mount: StoredMount) => Promise<void>;
  /** True while something of a tenant's mounts that are gone is still to be taken away. */
  readonly retiring: (uid: string) => Promise<boolean>;
  /** Puts other credentials in the place of a mount's. Rejects with `not-found`. */
  readonly rotate: (
    settlement: Settlement,
    mount: StoredMount,
    credentials: SealedSecret,
  ) => Promise<void>;
}

/** The kind of the job that takes away what a mount left that is gone. */
export const retireKind = "mount.retire";

/** The name of the secret that holds a mount's credentials. */
export const mountCredentials = (id: string): string => `mount:${id}`;

/** The id under which leases, intents, charges and markers of such a mount are kept. */
export const runtimeMountId = (id: string): string => `api:${id}`;
