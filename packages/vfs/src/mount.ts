import {
  type Backend,
  FileError,
  reservedName,
  segmentsOf,
  type VirtualPath,
} from "@bulkhead/contract";

/** One storage at one place in the tree. */
export interface Mount {
  readonly id: string;
  readonly path: VirtualPath;
  readonly backend: Backend;
  /** Breaks a tie at one mount point, the greater first; 0 by default. */
  readonly priority?: number;
  readonly readOnly?: boolean;
  readonly region?: string;
  /** The uid of the tenant whose root this is; undefined on the platform's own ground. */
  readonly tenant?: string;
  /** Where the storage lies, as `scheme/segments`, compared by segments: no two mounts may share or nest one. */
  readonly storageRoot?: string;
  /** True if its content was there before and is not its tenant's to end: it is unmounted, not emptied. */
  readonly brought?: boolean;
}

/** Refuses a mount that could never be reached. Throws `invalid-request`. */
export const checkMount = (mount: Mount): void => {
  if (mount.id === "") throw new FileError("invalid-request", "A mount has an id.");
  // What lies below a storage's own folder is not routed, so a mount there would be listed and never opened.
  if (segmentsOf(mount.path).includes(reservedName))
    throw new FileError("invalid-request", `No mount point has '${reservedName}' in its path.`);
};
