import type {
  AuditDraft,
  Revision,
  Scope,
  Settlement,
  TenantRecord,
  NewTenant,
} from "@bulkhead/contract";
import { parseVirtualPath } from "@bulkhead/contract";
import { testDatabase } from "@bulkhead/harness";
import pg from "pg";
import { mintKeyString } from "../key-string.ts";
import { migrate } from "../migrate.ts";
import { migrationHash, migrations } from "../migrations/index.ts";
import { openLedger } from "../open-ledger.ts";
import type { Admission, Ledger, NewIntent } from "../types.ts";

const template = migrations.map(migrationHash).join();

/** A ledger on a database of its own, and what the tests of it keep needing. */
export interface Fixture extends AsyncDisposable {
  readonly url: string;
  readonly ledger: Ledger;
  readonly platformKey: string;
  readonly open: () => Promise<Ledger>;
  /** As the superuser, past row-level security. */
  readonly sql: <T extends pg.QueryResultRow = Record<string, unknown>>(
    text: string,
    values?: unknown[],
  ) => Promise<T[]>;
  /** A connection of its own under a role. */
  readonly connect: (role: string) => Promise<AsyncDisposable & { readonly client: pg.Client }>;
  readonly platform: () => Promise<Admission>;
  readonly tenant: (
    id: string,
    more?: Pick<NewTenant, "plan" | "trialDays">,
  ) => Promise<TenantRecord>;
  readonly key: (
    tenant: TenantRecord,
    options?: KeyOptions,
  ) => Promise<{ readonly id: string; readonly key: string }>;
}

export interface KeyOptions {
  /** Null makes an identity. */
  readonly prefix?: string | null;
  readonly scopes?: readonly Scope[];
  readonly parent?: string;
  readonly expiresAt?: number;
}

const readWrite: readonly Scope[] = ["read", "write"];

export const draft = (key = "test", action = "test"): AuditDraft => ({
  actor: "service:test",
  key,
  action,
  resource: "/thing",
  requestId: "request",
  front: "http",
  detail: {},
});

export const settlement = (
  tenant: string | undefined,
  revisions: readonly Revision[] = [],
  more: Partial<Settlement> = {},
): Settlement => ({
  tenant,
  revisions,
  reserved: { bytes: 0, files: 0 },
  audit: draft(),
  idempotency: undefined,
  ...more,
});

export const writing = (mount = "m"): NewIntent => ({
  mount,
  fencing: undefined,
  operation: "write",
  paths: ["a/b"],
  size: 3,
});

export const fixture = async (): Promise<Fixture> => {
  const database = await testDatabase({ migrate, template });
  const root = new pg.Pool({ connectionString: database.url, max: 2 });
  root.on("error", () => undefined);
  const ledgers: Ledger[] = [];
  const open = async (): Promise<Ledger> => {
    const ledger = await openLedger({ url: database.url, masterKeyFingerprint: "one" });
    ledgers.push(ledger);
    return ledger;
  };
  const ledger = await open();
  const { minted: platformKey = "" } = await ledger.platformKeys.ensure({});
  return {
    url: database.url,
    ledger,
    platformKey,
    open,
    sql: async <T extends pg.QueryResultRow>(text: string, values: unknown[] = []) =>
      (await root.query<T>(text, values)).rows,
    connect: async (role) => {
      const client = new pg.Client({ connectionString: database.url, options: `-c role=${role}` });
      await client.connect();
      return { client, [Symbol.asyncDispose]: () => client.end() };
    },
    platform: () => ledger.authority.admit(platformKey),
    tenant: (id, more) =>
      ledger.tenants.create(settlement(undefined), {
        id,
        name: id,
        root: parseVirtualPath(`/workspace/${id}`),
        placement: "default",
        subdomain: undefined,
        allowedRegions: undefined,
        limits: {},
        settings: {},
        ...more,
      }),
    key: async (
      tenant,
      { prefix = `/workspace/${tenant.id}`, scopes = readWrite, parent, expiresAt } = {},
    ) => {
      const minted = mintKeyString();
      await ledger.keys.insert(settlement(tenant.uid), {
        id: minted.id,
        hash: minted.hash,
        tenantUid: tenant.uid,
        name: "key",
        subject: { type: "service", id: minted.id },
        workspacePrefix: prefix === null ? undefined : parseVirtualPath(prefix),
        scopes,
        expiresAt,
        createdBy: "service:test",
        parent,
      });
      return { id: minted.id, key: minted.key };
    },
    [Symbol.asyncDispose]: async () => {
      await Promise.all(ledgers.map((one) => one.close()));
      await root.end();
      await database.close();
    },
  };
};
