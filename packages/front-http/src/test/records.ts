import {
  type Context,
  type Credential,
  FileError,
  type KeyRecord,
  parseVirtualPath,
  type TenantRecord,
} from "@bulkhead/contract";
import { plainContext } from "@bulkhead/kit";

/** Opens everything. */
export const aliceKey = "alice-key";
/** Opens everything, too, as somebody else. */
export const bobKey = "bob-key";

export const keyRecord = (id: string, name: string): KeyRecord => ({
  id,
  tenant: "acme",
  name,
  subject: { type: "service", id },
  workspacePrefix: "/workspace/acme",
  scopes: ["read", "write"],
  createdAt: 1_700_000_000_000,
  createdBy: "alice",
  expiresAt: null,
  lastUsedAt: null,
  revokedAt: null,
  parent: null,
});

export const tenantRecord = (id: string): TenantRecord => ({
  uid: `uid-${id}`,
  id,
  name: id,
  status: "active",
  plan: null,
  roots: [`/workspace/${id}`],
  subdomain: null,
  region: null,
  allowedRegions: null,
  limits: {},
  features: [],
  settings: {},
  billingCycle: "monthly",
  mrrMinor: 0,
  createdAt: 1_700_000_000_000,
  updatedAt: 1_700_000_000_000,
  trialEndsAt: null,
  suspendedAt: null,
  suspensionReason: null,
  reactivatedAt: null,
  upgradedAt: null,
  deletedAt: null,
});

/** Whoever opens everything, within a tenant. */
export const contextOf = (credential: Credential, keyId: string): Context => ({
  ...plainContext({ signal: credential.signal, requestId: credential.requestId }),
  cut: credential.cut,
  principal: {
    kind: "capability",
    keyId,
    tenant: { uid: "uid-acme", id: "acme", status: "active" },
    subject:
      credential.as === undefined
        ? { type: "service", id: keyId }
        : { type: "user", id: credential.as },
    scopes: ["read", "write"],
    reach: {
      home: parseVirtualPath(credential.workspacePrefix ?? "/workspace/acme"),
      bounds: [parseVirtualPath("/workspace/acme")],
    },
    expiresAt: undefined,
  },
});

export const missing = (): FileError => new FileError("not-found", "There is none.");
