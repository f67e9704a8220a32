import {
  type Context,
  FileError,
  parseVirtualPath,
  type Principal,
  type Standing,
  type TenantRef,
  type TenantStatus,
  type Verdict,
  type VirtualPath,
} from "@bulkhead/contract";
import { plainContext } from "@bulkhead/kit";
import type { Tenants } from "../ports.ts";

export const at = (path: string): VirtualPath => parseVirtualPath(path);

export const namespaceRoots: readonly string[] = ["workspace", "tenants"];

export const tenant = (id: string, status: TenantStatus = "active"): TenantRef => ({
  uid: `uid-${id}`,
  id,
  status,
});

/** A table of roots, each a tenant's. */
export const rooted = (roots: Readonly<Record<string, TenantRef>>): Pick<Tenants, "rootAt"> => ({
  rootAt: (path) => {
    const owner = roots[path];
    return owner && { path, tenant: owner };
  },
});

export const principal = (given: Partial<Principal> = {}): Principal => ({
  kind: "capability",
  keyId: "key",
  tenant: tenant("acme"),
  subject: { type: "service", id: "key" },
  scopes: ["read", "write"],
  reach: { home: at("/workspace/acme"), bounds: [at("/workspace/acme")] },
  expiresAt: undefined,
  ...given,
});

export const platform: Principal = principal({
  kind: "platform",
  tenant: undefined,
  scopes: ["read", "write", "share", "admin"],
  reach: { home: at("/"), bounds: [at("/")] },
});

/** A standing by path: what is not named is nothing. */
export const standing = (
  verdicts: Readonly<Record<string, Partial<Verdict>>>,
  more: Partial<Standing> = {},
): Standing => ({
  admin: false,
  reach: () => undefined,
  revisionsOf: () => [],
  verdict: (path) => ({
    mask: 0,
    leads: false,
    until: Infinity,
    indeterminate: false,
    ...verdicts[path],
  }),
  listing: () => () => ({ mask: 0, leads: false, until: Infinity, indeterminate: false }),
  closedBelow: () => false,
  unblocks: () => false,
  ...more,
});

export const contextOf = (by: Principal): Context => ({
  ...plainContext({ requestId: "r" }),
  principal: by,
  cut: () => undefined,
});

/** What is thrown, as the error's code; "ok" where nothing is. */
export const answer = (run: () => unknown): string => {
  try {
    run();
    return "ok";
  } catch (error) {
    if (error instanceof FileError) return error.code;
    throw error;
  }
};
