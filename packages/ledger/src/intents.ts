import { randomUUID } from "node:crypto";
import type { Operation, Revision, Settlement } from "@bulkhead/contract";
import { type Database, toJson } from "./database.ts";
import { combine } from "./combine.ts";
import { functionCall } from "./function-call.ts";
import { uidOfRevision } from "./snapshot.ts";
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
const grant = functionCall("intent_grant_v1", 14);
// In the order given: they wait for the same head, and its chain tells the order in which they were settled.
const settle = {
  name: "intent_settle_v4",
  text: `select array_agg(bulkhead.intent_settle_v4(s.id, s.outcome, s.facts)) from (
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

/** The tenants that a settlement stands on, that of its ground too, in order of uid, with their revisions. */
const standing = (
  ground: string,
  { revisions }: Settlement,
): readonly (readonly [string, Revision | undefined])[] => {
  const fences = new Map<string, Revision | undefined>([[ground, undefined]]);
  for (const revision of revisions) fences.set(uidOfRevision(revision), revision);
  return [...fences].toSorted(([a], [b]) => (a < b ? -1 : 1));
};

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
  const late: Intents["late"] = ({ tenant, idempotency, reserved }, intent) => {
    if (intent.operation !== "write" || idempotency !== undefined || reserved.id !== undefined)
      return undefined;
    const uid = tenant ?? platformUid;
    const id = randomUUID();
    let asked = false;
    return {
      id: `${uid}.${id}`,
      grant: async (settlement, staged) => {
        // Of one whose answer was lost nobody knows whether it is there.
        if (asked) await hot.call<null>(discard, [`${uid}.${id}`]);
        asked = true;
        const stands = standing(uid, settlement);
        return hot.call<"committing" | "moved">(grant, [
          uid,
          id,
          toJson(settlement),
          stands.map(([fence]) => fence),
          stands.map(([, revision]) => revision?.n ?? null),
          stands.map(([, revision]) => revision?.epoch ?? null),
          intent.mount,
          intent.fencing ?? null,
          intent.paths,
          intent.size ?? null,
          staged.id,
          staged.size,
          staged.digest ?? null,
          staged.etagBefore ?? null,
        ]);
      },
    };
  };
  return {
    late,
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
