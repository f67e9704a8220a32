import { parseVirtualPath, segmentsOf, type VirtualPath } from "@bulkhead/contract";
import type { Tenants } from "./ports.ts";

/** Where a path lies among the namespace roots, under whose first level every directory is a tenant's root. */
export type Ground =
  | { readonly kind: "platform" }
  /** `/workspace` itself. */
  | { readonly kind: "namespace" }
  /** `/workspace/acme` itself. */
  | { readonly kind: "root"; readonly root: VirtualPath }
  | { readonly kind: "below"; readonly root: VirtualPath };

/** Finds whose ground a path is on. `namespaceRoots` are first segments. */
export const groundOf = (namespaceRoots: readonly string[], path: VirtualPath): Ground => {
  const [namespace, tenant, ...rest] = segmentsOf(path);
  if (namespace === undefined || !namespaceRoots.includes(namespace)) return { kind: "platform" };
  if (tenant === undefined) return { kind: "namespace" };
  if (rest.length === 0) return { kind: "root", root: path };
  return { kind: "below", root: parseVirtualPath(`/${namespace}/${tenant}`) };
};

/** Says on which tenant's ground a path lies, by uid. */
export const tenantAt =
  (tenants: Pick<Tenants, "rootAt">, namespaceRoots: readonly string[]) =>
  (path: VirtualPath): string | undefined => {
    const ground = groundOf(namespaceRoots, path);
    return ground.kind === "root" || ground.kind === "below"
      ? tenants.rootAt(ground.root)?.tenant.uid
      : undefined;
  };
