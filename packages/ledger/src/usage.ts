import { type BillBasis, requestsOf, type UsageSpan } from "@bulkhead/contract";
import type { Database } from "./database.ts";
import { functionCall } from "./function-call.ts";
import { platformUid } from "./types.ts";
import type { Usage } from "./types-usage.ts";

const statements = {
  absorb: functionCall("usage_absorb_v1", 3),
  span: {
    name: "usage_span_v1",
    text: `select jsonb_build_object('now', bulkhead.ms(n.at), 'spans', bulkhead.usage_span_v1($1, to_timestamp($2::bigint / 1000),
      to_timestamp($3::bigint / 1000), $4, n.at)) from (select bulkhead.now() as at) n`,
  },
  month: {
    name: "usage_month_v1",
    text: `select bulkhead.usage_span_v1($1, m.at, m.at + interval '1 month', 'all', n.at) from (select bulkhead.now() as at) n,
      lateral (select date_trunc('month', n.at, 'UTC') as at) m`,
  },
  bill: {
    name: "bill_v1",
    text: `select jsonb_build_object('now', bulkhead.ms(n.at)) || bulkhead.bill_v1($1, to_timestamp($2::bigint / 1000),
      to_timestamp($3::bigint / 1000), n.at) from (select bulkhead.now() as at) n`,
  },
  sweep: functionCall("usage_sweep_v1", 2),
  journal: functionCall("usage_journal_v1", 9),
} as const;

/** How many events and entries one transaction counts, and of how many tenants. */
const slice = 5000;
const tenantsAtOnce = 50;

/** As the database tells it: its numbers may be larger than JSON keeps. */
type SpanRow = Omit<UsageSpan, "byteMs"> & { readonly byteMs: string };

const uidOf = (tenantUid: string | undefined): string => tenantUid ?? platformUid;

const spanOf = ({ byteMs, ...row }: SpanRow): UsageSpan => ({
  ...row,
  byteMs: BigInt(byteMs),
});

/** Keeps the hours of usage, as `bulkhead_system`. */
export const createUsage = (database: Database, ledger: string): Usage => {
  const absorb = (tenant: string, exact: boolean): Promise<boolean> =>
    database.call<boolean>(statements.absorb, [tenant, slice, exact]);
  return {
    ledger,
    spans: async (tenantUid, from, to, step) => {
      const tenant = uidOf(tenantUid);
      // In slices, so that nobody's commits wait for what has piled up; the last one waits for them.
      while (await absorb(tenant, false));
      while (await absorb(tenant, true));
      const { now, spans } = await database.call<{ now: number; spans: readonly SpanRow[] }>(
        statements.span,
        [tenant, from, to, step],
      );
      return { now, spans: spans.map(spanOf) };
    },
    requestsThisMonth: async (tenantUid) => {
      const tenant = uidOf(tenantUid);
      while (await absorb(tenant, false));
      const rows = await database.call<readonly SpanRow[]>(statements.month, [tenant]);
      return rows.reduce((sum, row) => sum + requestsOf(spanOf(row)), 0);
    },
    billed: async (tenant, from, to) => {
      while (await absorb(tenant, false));
      while (await absorb(tenant, true));
      const row = await database.call<Omit<BillBasis, "usage"> & { usage: SpanRow }>(
        statements.bill,
        [tenant, from, to],
      );
      return { ...row, usage: spanOf(row.usage) };
    },
    sweep: () => database.call<number>(statements.sweep, [tenantsAtOnce, slice]),
    absorb: async (journal, from, to, sums) =>
      Number(
        await database.call<string>(statements.journal, [
          journal,
          from,
          to,
          sums.map(({ tenantUid }) => uidOf(tenantUid)),
          sums.map(({ hour }) => hour),
          sums.map(({ reads }) => reads),
          sums.map(({ lookups }) => lookups),
          sums.map(({ searches }) => searches),
          sums.map(({ bytesOut }) => bytesOut),
        ]),
      ),
    absorbed: async (journal) => {
      const [row] = await database.rows<{ absorbed: string }>(
        "select absorbed from bulkhead.usage_journal where id = $1",
        [journal],
      );
      return Number(row?.absorbed ?? 0);
    },
    forget: async (journal) => {
      await database.rows("delete from bulkhead.usage_journal where id = $1", [journal]);
    },
    tidy: async () => {
      await database.rows("select bulkhead.usage_partitions_v1()");
    },
  };
};
