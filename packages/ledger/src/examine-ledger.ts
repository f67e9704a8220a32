import pg from "pg";
import { codeOf } from "./errors.ts";
import { migrations } from "./migrations/index.ts";
import type { LeaseHolder } from "./types-work.ts";

/** Why a database could not be looked at. */
export interface UnreachableLedger {
  /** The SQLSTATE or system code; empty where there is none. */
  readonly code: string;
}

/** What a database that answers is like. Nothing of it was changed. */
export interface ExaminedLedger {
  /** As in `160004`. */
  readonly server: number;
  readonly inRecovery: boolean;
  /** The last step of the schema; undefined where there is no ledger. */
  readonly schema: number | undefined;
  /** The last step that this release knows. */
  readonly latest: number;
  /** How far its clock is ahead of this machine's, in milliseconds, give or take `withinMs`. */
  readonly aheadMs: number;
  readonly withinMs: number;
  /** Fingerprints of the master keys that it was used with. */
  readonly fingerprints: readonly string[];
  readonly region: string | undefined;
  /** Which marker the content of each mount shows. */
  readonly markers: ReadonlyMap<string, string>;
  /** Who holds what only one process may serve. */
  readonly holders: readonly { readonly name: string; readonly holder: LeaseHolder }[];
}

/** Looks at a database as the URL's user, within about five seconds, and changes nothing. */
export const examineLedger = async (url: string): Promise<ExaminedLedger | UnreachableLedger> => {
  const client = new pg.Client({
    connectionString: url,
    connectionTimeoutMillis: 5000,
    query_timeout: 5000,
    application_name: "bulkhead-doctor",
    options: "-c timezone=UTC -c default_transaction_read_only=on",
  });
  // What breaks is reported by the statement that waits for it.
  client.on("error", () => undefined);
  try {
    await client.connect();
    return await look(client);
  } catch (error) {
    return { code: codeOf(error) };
  } finally {
    await client.end().catch(() => undefined);
  }
};

const look = async (client: pg.Client): Promise<ExaminedLedger> => {
  const { rows: server } = await client.query<{ n: number; recovery: boolean; made: boolean }>(
    `select current_setting('server_version_num')::int as n, pg_is_in_recovery() as recovery,
            to_regclass('bulkhead.schema_migration') is not null as made`,
  );
  const { n = 0, recovery = false, made = false } = server[0] ?? {};
  const latest = migrations.at(-1)?.version ?? 0;
  const before = Date.now();
  const { rows: clock } = await client.query<{ now: number }>(
    `select extract(epoch from ${made ? "bulkhead.now()" : "clock_timestamp()"})::float8 * 1000 as now`,
  );
  const after = Date.now();
  const facts = {
    server: n,
    inRecovery: recovery,
    latest,
    aheadMs: Math.round((clock[0]?.now ?? before) - (before + after) / 2),
    withinMs: Math.ceil((after - before) / 2),
  };
  if (!made)
    return {
      ...facts,
      schema: undefined,
      fingerprints: [],
      region: undefined,
      markers: new Map(),
      holders: [],
    };
  return { ...facts, ...(await lookInside(client)) };
};

const lookInside = async (
  client: pg.Client,
): Promise<Pick<ExaminedLedger, "schema" | "fingerprints" | "region" | "markers" | "holders">> => {
  const { rows: book } = await client.query<{ version: number | null }>(
    "select max(version) as version from bulkhead.schema_migration",
  );
  const { rows: meta } = await client.query<{ known: (string | null)[]; region: string | null }>(
    "select array[fingerprint, next_fingerprint, previous_fingerprint] as known, region from bulkhead.meta",
  );
  const { rows: roots } = await client.query<{ mount: string; marker: string }>(
    "select mount, marker from bulkhead.content_root",
  );
  const { rows: leases } = await client.query<{ name: string; holder: LeaseHolder }>(
    "select name, holder from bulkhead.lease where holder is not null and until > bulkhead.now()",
  );
  return {
    schema: book[0]?.version ?? 0,
    fingerprints: (meta[0]?.known ?? []).filter((one) => one !== null),
    region: meta[0]?.region ?? undefined,
    markers: new Map(roots.map(({ mount, marker }) => [mount, marker])),
    holders: leases,
  };
};
