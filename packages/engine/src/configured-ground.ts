import { FileError, isUnder, parseVirtualPath, type VirtualPath } from "@bulkhead/contract";
import { groundOf } from "@bulkhead/policy";
import type { MountSpec } from "./mount-spec.ts";

/** Whose ground a mount of the configuration lies on. Throws `invalid-request` where none may be, or not that tenant's. */
export const configuredGround = (
  { path: raw, tenant }: MountSpec,
  namespaceRoots: readonly string[],
): { readonly path: VirtualPath; readonly place: ReturnType<typeof groundOf> } => {
  const path = parseVirtualPath(raw);
  const place = groundOf(namespaceRoots, path);
  if (
    tenant !== undefined &&
    (place.kind !== "below" ||
      !namespaceRoots.some((name) => isUnder(parseVirtualPath(`/${name}/${tenant}`), path)))
  )
    throw new FileError(
      "invalid-request",
      `The mount ${path} does not lie below a root of the tenant '${tenant}'.`,
    );
  if (place.kind === "namespace" || place.kind === "root")
    throw new FileError(
      "invalid-request",
      `The mount ${path} would hide tenants' roots; mount below one.`,
    );
  return { path, place };
};
