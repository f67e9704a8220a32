import { randomUUID } from "node:crypto";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { local } from "@bulkhead/backend-local";
import { versioned, type VersionedBackend } from "@bulkhead/backend-versioned";
import {
  type BackendPath,
  type OpContext,
  parseBackendPath,
  parseVirtualPath,
  type Settlement,
} from "@bulkhead/contract";
import { plainContext } from "@bulkhead/kit";
import { type Ledger, mintKeyString, type TreeRef } from "@bulkhead/ledger";

/** A tenant with a key, a versioned tree over a local folder, and what its requests carry. */
export interface BenchTenant {
  readonly uid: string;
  readonly tree: TreeRef;
  readonly store: VersionedBackend;
  /** The folder of its content. */
  readonly content: string;
  /** A request as the policy layers hand it down: decided on the present revisions, with an open audit entry. */
  readonly request: () => OpContext;
}

const settlementOf = (more: Partial<Settlement>): Settlement => ({
  tenant: undefined,
  revisions: [],
  reserved: { bytes: 0, files: 0 },
  audit: undefined,
  idempotency: undefined,
  ...more,
});

/** Makes so many tenants that are metered, limited and audited as any. */
export const benchTenants = async (
  ledger: Ledger,
  folder: string,
  count: number,
): Promise<readonly BenchTenant[]> => {
  const made = await Promise.all(Array.from({ length: count }, () => make(ledger)));
  // Admitted after the last of them is made: each moves the platform's revision.
  return Promise.all(made.map((tenant) => opened(ledger, folder, tenant)));
};

/** Makes one. */
export const benchTenant = async (ledger: Ledger, folder: string): Promise<BenchTenant> => {
  const [tenant] = await benchTenants(ledger, folder, 1);
  if (tenant === undefined) throw new Error("There is no tenant.");
  return tenant;
};

interface Made {
  readonly id: string;
  readonly uid: string;
  readonly key: string;
  readonly keyId: string;
}

const make = async (ledger: Ledger): Promise<Made> => {
  const id = `bench-${randomUUID().slice(0, 8)}`;
  const { uid } = await ledger.tenants.create(settlementOf({}), {
    id,
    name: id,
    root: parseVirtualPath(`/workspace/${id}`),
    placement: "versioned",
    subdomain: undefined,
    allowedRegions: undefined,
    limits: { bytes: 1e15, files: 1e12 },
    settings: {},
  });
  const minted = mintKeyString();
  await ledger.keys.insert(settlementOf({ tenant: uid }), {
    id: minted.id,
    hash: minted.hash,
    tenantUid: uid,
    name: "bench",
    subject: { type: "service", id: minted.id },
    workspacePrefix: parseVirtualPath(`/workspace/${id}`),
    scopes: ["read", "write"],
    expiresAt: undefined,
    createdBy: "bench",
    parent: undefined,
  });
  return { id, uid, key: minted.key, keyId: minted.id };
};

const opened = async (
  ledger: Ledger,
  folder: string,
  { id, uid, key, keyId }: Made,
): Promise<BenchTenant> => {
  const { revisions } = await ledger.authority.admit(key);
  const tree = await ledger.trees.ensure(uid, `root:${uid}`, `root:${uid}`);
  const root = join(folder, "content", uid);
  await mkdir(root, { recursive: true });
  const store = versioned({ tree, content: await local({ root }), ledger: ledger.trees });
  const audit = {
    actor: `service:${keyId}@${id}`,
    key: keyId,
    action: "write",
    resource: `/workspace/${id}/a`,
    requestId: "bench",
    front: "bench",
    detail: {},
  };
  return {
    uid,
    tree,
    store,
    content: root,
    request: () => ({
      ...plainContext(),
      settlement: settlementOf({ tenant: uid, revisions, audit }),
    }),
  };
};

export const at = (path: string): BackendPath => parseBackendPath(path);
