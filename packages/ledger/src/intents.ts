import type { Operation } from "@bulkhead/contract";
import { type Database, toJson } from "./database.ts";
import { combine } from "./combine.ts";
import { type Intents, type Outcome, type PendingIntent, platformUid } from "./types.ts";
import type { Charge, SettledAs } from "./types-accounted.ts";

const begin = {
  name: "intent_begin_v2",
  text: "select bulkhead.intent_begin_v2($1, $2, $3, $4, $5, $6)",
};
const commit = {
  name: "intent_commit_v3",
  // Nothing happens outside the ledger of which no entry could be written afterwards.
  text: `select bulkhead.intent_commit_v3($1, $2, $3, $4, $5, $6, $7) from (select case when jsonb_typeof($2::jsonb->'audit') = 'object'
    then bulkhead.audit_writable_v1(split_part($1, '.', 1)::uuid) end offset 0) w`,
};
// In the order given: they wait for the same head, and its chain tells the order in which they were settled.
const settle = {
  name: "intent_settle_v3",
  text: `select array_agg(bulkhead.intent_settle_v3(s.id, s.outcome, s.facts)) from (
    select * from unnest($1::text[], $2::jsonb[], $3::jsonb[]) with ordinality as u (id, outcome, facts, n)
      order by n offset 0) s`,
};
const discard = { name: "intent_discard_v1", text: "select bulkhead.intent_discard_v1($1)" };
const renew = { name: "intent_renew_v1", text: "select bulkhead.intent_renew_v1($1)" };

interface PendingRow {
  readonly id: string;
  readonly tenant: string;
  readonly mount: string;
  readonly fencing: string | null;
  readonly operation: Operation;
  readonly paths: string[];
  readonly size: string | null;
  readonly state: "open" | "committing";
  readonly staged: string | null;
}

interface Settled {
  readonly id: string;
  readonly outcome: Outcome;
  readonly charge: Charge | undefined;
}

/**
 * Keeps intents: `hot` for what requests wait for, `long` for settling what many rows follow, `background` for recovery.
 * An id names its tenant, then the row.
 */
export const createIntents = (hot: Database, long: Database, background: Database): Intents => {
  const settleAll = (database: Database, batch: readonly Settled[]): Promise<SettledAs[]> =>
    database.call(settle, [
      batch.map(({ id }) => id),
      batch.map(({ outcome }) => toJson(outcome)),
      batch.map(({ charge: by }) => toJson(by?.facts ?? null)),
    ]);
  const settleTogether = combine<Settled, SettledAs>((_, batch) => settleAll(hot, batch));
  const tenantOf = (id: string): string => id.slice(0, id.indexOf("."));
  const left = async (where: string, values: readonly unknown[]): Promise<PendingIntent[]> => {
    const rows = await background.rows<PendingRow>(
      `select tenant || '.' || id as id, tenant, mount, fencing, operation, paths, size, state, staged
       from bulkhead.intent where ${where} order by n`,
      values,
    );
    return rows.map((row): PendingIntent => ({
      id: row.id,
      tenant: row.tenant === platformUid ? undefined : row.tenant,
      mount: row.mount,
      fencing: row.fencing === null ? undefined : Number(row.fencing),
      operation: row.operation,
      paths: row.paths,
      size: row.size === null ? undefined : Number(row.size),
      state: row.state,
      staged: row.staged ?? undefined,
    }));
  };
  const settleBy: Intents["settle"] = async (id, outcome, by) => {
    const settled = { id, outcome, charge: by };
    if (by?.alone !== true) return await settleTogether(tenantOf(id), settled);
    const [as] = await settleAll(long, [settled]);
    return as ?? "gone";
  };
  return {
    begin: (settlement, intent) =>
      hot.call<string>(begin, [
        toJson(settlement),
        intent.mount,
        intent.fencing ?? null,
        intent.operation,
        intent.paths,
        intent.size ?? null,
      ]),
    commit: (settlement, id, staged) =>
      hot.call<"committing" | "moving" | "moved">(commit, [
        id,
        toJson(settlement),
        staged.id,
        staged.size,
        staged.digest ?? null,
        staged.etagBefore ?? null,
        staged.adds === undefined ? null : toJson(staged.adds),
      ]),
    settle: settleBy,
    charge: async (id, outcome) => {
      const { bytes = 0, files = 0 } = outcome;
      await settleBy(id, outcome, { facts: [{ is: "added", bytes, files }], alone: true });
    },
    discard: async (id) => {
      await hot.call<null>(discard, [id]);
    },
    renew: async (ids) => {
      if (ids.length > 0) await hot.call<null>(renew, [ids]);
    },
    pending: (mount) => left("mount = $1", [mount]),
    lapsed: (mount) => left("mount = $1 and lease <= bulkhead.now()", [mount]),
    lapsedMounts: async () =>
      (
        await background.rows<{ mount: string }>(
          "select distinct mount from bulkhead.intent where lease <= bulkhead.now()",
        )
      ).map((row) => row.mount),
  };
};
