import {
  FileError,
  isUnder,
  outsideWorkspace,
  type Principal,
  type Scope,
  type TenantRef,
  unauthenticated,
  type VirtualPath,
} from "@bulkhead/contract";
import type { Access, Call } from "@bulkhead/kit";
import { groundOf } from "./namespace.ts";
import type { Tenants } from "./ports.ts";

/**
 * One question of policy. Throws the answer the caller gets, or returns: where time alone can end what it allowed, the
 * moment of that, in milliseconds. Asks nothing of any storage.
 */
export type Decision<End = void> = (principal: Principal, call: Call<VirtualPath>) => End;

/** Question 1: is every end inside what this key can reach? `scope` asked before; a key narrowed since is caught here. */
export const withinBounds: Decision = (principal, call) => {
  for (const path of call.paths)
    if (!principal.reach.bounds.some((bound) => isUnder(bound, path))) throw outsideWorkspace();
};

/** Throws unless the tenant serves. The platform key goes on where tenants' keys are cut off. */
export const checkServing = (tenant: TenantRef | undefined, principal: Principal): void => {
  if (tenant === undefined) return;
  switch (tenant.status) {
    case "active":
    case "trial":
      return;
    case "provisioning":
      throw new FileError("unavailable", "This tenant is being set up; try again soon.", {
        fields: { retryAfter: 5 },
      });
    case "suspended":
    case "cancelled":
      if (principal.kind === "platform") return;
      throw new FileError(
        "tenant-suspended",
        "This tenant is suspended; its data is kept. Ask the operator.",
      );
    case "deleting":
    case "deleted":
      if (principal.kind === "platform") return;
      throw unauthenticated();
    default:
      tenant.status satisfies never;
  }
};

/** Question 2: do the principal's tenant and the tenants whose ground is touched serve? */
export const tenantsServe =
  (tenants: Tenants, namespaceRoots: readonly string[]): Decision =>
  (principal, call) => {
    checkServing(principal.tenant, principal);
    for (const path of call.paths) {
      const ground = groundOf(namespaceRoots, path);
      if (ground.kind === "root" || ground.kind === "below")
        checkServing(tenants.rootAt(ground.root)?.tenant, principal);
    }
  };

const scopeFor = { read: "read", write: "write", delete: "write" } as const satisfies Record<
  Access,
  Scope
>;

/** Throws `scope-required` unless the key carries `scope`. */
export const checkScope = (principal: Principal, scope: Scope): void => {
  if (!principal.scopes.includes(scope))
    throw new FileError("scope-required", `This key does not carry the scope '${scope}'.`);
};

/** Question 3: does the key carry the scope of every access? */
export const scopesAllow: Decision = (principal, call) => {
  for (const { access } of call.touches) checkScope(principal, scopeFor[access]);
};
