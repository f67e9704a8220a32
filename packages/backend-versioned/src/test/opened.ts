import {
  type Backend,
  type BackendPath,
  type OpContext,
  parseBackendPath,
  parseVirtualPath,
  type Revision,
  type Settlement,
} from "@bulkhead/contract";
import { memory } from "@bulkhead/backend-memory";
import { openSql, testDatabase } from "@bulkhead/harness";
import { bytesBody, collect as gather, plainContext } from "@bulkhead/kit";
import { type Ledger, migrate, mintKeyString, openLedger, type TreeRef } from "@bulkhead/ledger";
import { randomUUID } from "node:crypto";
import { versioned, type VersionedBackend, type VersionedOptions } from "../versioned.ts";

/** A ledger on a database of its own. */
export interface TestLedger extends AsyncDisposable {
  readonly url: string;
  readonly ledger: Ledger;
  /** Another process of the same ledger. */
  readonly open: () => Promise<Ledger>;
  readonly sql: (
    text: string,
    values?: readonly unknown[],
  ) => Promise<readonly Readonly<Record<string, unknown>>[]>;
}

export const testLedger = async (): Promise<TestLedger> => {
  const database = await testDatabase({ migrate });
  const opened: Ledger[] = [];
  const open = async (): Promise<Ledger> => {
    const ledger = await openLedger({ url: database.url, masterKeyFingerprint: "one" });
    opened.push(ledger);
    return ledger;
  };
  const { run, close } = await openSql(database.url);
  return {
    url: database.url,
    ledger: await open(),
    open,
    sql: run,
    [Symbol.asyncDispose]: async () => {
      await Promise.all([close(), ...opened.map((ledger) => ledger.close())]);
      await database.close();
    },
  };
};

/** An empty tree on the platform's own ground, over `content`. */
export const freshTree = async (
  ledger: Ledger,
  content: Backend = memory(),
): Promise<VersionedBackend> => {
  const name = randomUUID();
  return versioned({
    tree: await ledger.trees.ensure(undefined, name, name),
    content,
    ledger: ledger.trees,
  });
};

export const at = (path: string): BackendPath => parseBackendPath(path);

export const settlementOf = (
  tenant: string | undefined,
  revisions: readonly Revision[] = [],
  more: Partial<Settlement> = {},
): Settlement => ({
  tenant,
  revisions,
  reserved: { bytes: 0, files: 0 },
  audit: undefined,
  idempotency: undefined,
  ...more,
});

/** A request of a tenant; a commit that is asked for fails, because nothing moved. */
export const request = (options: Partial<OpContext> = {}): OpContext => ({
  ...plainContext(),
  commit: () => Promise.reject(new Error("asked for a commit")),
  ...options,
});

/** A tenant with a tree. */
export interface TestTenant {
  readonly uid: string;
  readonly tree: TreeRef & { readonly content: string };
  readonly open: (
    content?: Backend,
    ledger?: Ledger,
    more?: Pick<VersionedOptions, "inlineLimit" | "room">,
  ) => VersionedBackend;
}

export const testTenant = async (
  ledger: Ledger,
  limits: Readonly<Record<string, number | null>> = {},
): Promise<TestTenant> => {
  const id = `t-${randomUUID().slice(0, 12)}`;
  const { uid } = await ledger.tenants.create(settlementOf(undefined), {
    id,
    name: id,
    root: parseVirtualPath(`/workspace/${id}`),
    placement: "default",
    subdomain: undefined,
    allowedRegions: undefined,
    limits,
    settings: {},
  });
  const tree = await ledger.trees.ensure(uid, `root:${uid}`, `content:${uid}`);
  return {
    uid,
    tree,
    open: (content = memory(), through = ledger, more = {}) =>
      versioned({ tree, content, ledger: through.trees, ...more }),
  };
};

/** A key of the tenant, and what it was admitted under. */
export const testKey = async (
  ledger: Ledger,
  tenant: TestTenant,
): Promise<{
  readonly id: string;
  readonly key: string;
  readonly revisions: readonly Revision[];
}> => {
  const minted = mintKeyString();
  await ledger.keys.insert(settlementOf(tenant.uid), {
    id: minted.id,
    hash: minted.hash,
    tenantUid: tenant.uid,
    name: "key",
    subject: { type: "service", id: minted.id },
    workspacePrefix: undefined,
    scopes: ["read", "write"],
    expiresAt: undefined,
    createdBy: "service:test",
    parent: undefined,
  });
  const { revisions } = await ledger.authority.admit(minted.key);
  return { id: minted.id, key: minted.key, revisions };
};

export const put = (
  backend: Backend,
  path: string,
  content: string | Uint8Array,
  options: Parameters<Backend["write"]>[3] = {},
  ctx: OpContext = request(),
): ReturnType<Backend["write"]> =>
  backend.write(
    ctx,
    at(path),
    bytesBody(typeof content === "string" ? new TextEncoder().encode(content) : content),
    options,
  );

export const bytesAt = async (
  backend: Backend,
  path: string,
  options: Parameters<Backend["read"]>[2] = {},
): Promise<Uint8Array> => {
  await using read = await backend.read(request(), at(path), options);
  return await gather(read.content);
};

export const textAt = async (
  backend: Backend,
  path: string,
  options: Parameters<Backend["read"]>[2] = {},
): Promise<string> => new TextDecoder().decode(await bytesAt(backend, path, options));

/** Bytes that repeat only after long. */
export const pattern = (length: number, seed = 1): Uint8Array => {
  const bytes = new Uint8Array(length);
  let state = (seed * 2_654_435_761) >>> 0 || 1;
  for (let i = 0; i < length; i++) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    bytes[i] = state;
  }
  return bytes;
};
