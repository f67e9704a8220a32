import type { Operation } from "@bulkhead/contract";
import { type Database, type Statement, toJson } from "./database.ts";
import { combine } from "./combine.ts";
import type { Intents, Outcome, PendingIntent } from "./types.ts";

const begin = {
  name: "intent_begin_v1",
  text: "select bulkhead.intent_begin_v1($1, $2, $3, $4, $5, $6)",
};
const commit = {
  name: "intent_commit_v1",
  text: "select bulkhead.intent_commit_v1($1, $2, $3, $4, $5, $6)",
};
// In the order given: they wait for the same head, and its chain tells the order in which they were settled.
const settle = {
  name: "intent_settle_v1",
  text: `select count(bulkhead.intent_settle_v1(s.id, s.outcome))::integer from (
    select * from unnest($1::text[], $2::jsonb[]) with ordinality as u (id, outcome, n) order by n offset 0) s`,
};
const charge = {
  name: "intent_charge_v1",
  text: `select count(bulkhead.intent_charge_v1(s.id, s.outcome))::integer from (
    select * from unnest($1::text[], $2::jsonb[]) with ordinality as u (id, outcome, n) order by n offset 0) s`,
};
const discard = { name: "intent_discard_v1", text: "select bulkhead.intent_discard_v1($1)" };
const renew = { name: "intent_renew_v1", text: "select bulkhead.intent_renew_v1($1)" };

interface PendingRow {
  readonly id: string;
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
}

/** Keeps intents: `hot` for what requests wait for, `background` for settling and recovery. An id names its tenant, then the row. */
export const createIntents = (hot: Database, background: Database): Intents => {
  const together = (statement: Statement): ((id: string, outcome: Outcome) => Promise<void>) => {
    const ride = combine<Settled, true>(async (_, batch) => {
      await hot.call<number>(statement, [
        batch.map(({ id }) => id),
        batch.map(({ outcome }) => toJson(outcome)),
      ]);
      return batch.map(() => true);
    });
    return async (id, outcome) => {
      await ride(id.slice(0, id.indexOf(".")), { id, outcome });
    };
  };
  const left = async (where: string, values: readonly unknown[]): Promise<PendingIntent[]> => {
    const rows = await background.rows<PendingRow>(
      `select tenant || '.' || id as id, mount, fencing, operation, paths, size, state, staged
       from bulkhead.intent where ${where} order by n`,
      values,
    );
    return rows.map((row): PendingIntent => ({
      id: row.id,
      mount: row.mount,
      fencing: row.fencing === null ? undefined : Number(row.fencing),
      operation: row.operation,
      paths: row.paths,
      size: row.size === null ? undefined : Number(row.size),
      state: row.state,
      staged: row.staged ?? undefined,
    }));
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
      hot.call<"committing" | "moved">(commit, [
        id,
        toJson(settlement),
        staged.id,
        staged.size,
        staged.digest ?? null,
        staged.etagBefore ?? null,
      ]),
    settle: together(settle),
    charge: together(charge),
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
