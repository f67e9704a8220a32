import { randomUUID } from "node:crypto";
import { FileError, type JobRecord, parseVirtualPath, type TenantRef } from "@bulkhead/contract";
import type { Changes } from "./change.ts";
import { type Database, toJson } from "./database.ts";
import { codeOf, constraintOf } from "./errors.ts";
import { functionCall } from "./function-call.ts";
import { type ContentCopy, type MoveRecord, moveKind, type Moves } from "./types-moves.ts";
import { platformUid } from "./types.ts";

const statements = {
  next: functionCall("move_next_v1", 3),
  copied: functionCall("move_copied_v1", 3),
  relabel: functionCall("move_relabel_v1", 2),
  forget: functionCall("copies_forget_v1", 2),
} as const;

/** Rows of one transaction: short enough to hold nobody up. */
const batch = 2000;
/** A move waits for a storage that is away for as long as that takes. */
const maxAttempts = 10_000;

interface CopyRow {
  readonly store: string;
  readonly state: ContentCopy["state"];
  readonly path: string;
  readonly placement: string;
  readonly generation: number;
  readonly copy: number;
  readonly tenant: TenantRef;
}

/** Rolls a switch back that came too early, or too late. */
class NotSwitched extends FileError {
  readonly answer: "more" | "over";
  constructor(answer: "more" | "over") {
    super("conflict", "The move is not ready, or over.");
    this.answer = answer;
  }
}

const orMoving = async <T>(work: Promise<T>): Promise<T> => {
  try {
    return await work;
  } catch (error) {
    if (codeOf(error) === "23505" && constraintOf(error) === "tenant_move_one")
      throw new FileError(
        "conflict",
        "A move of this tenant is under way; wait for it, or abort it.",
        {
          retry: "never",
          cause: error,
        },
      );
    throw error;
  }
};

/** Keeps moves of tenants, as `bulkhead_system`. */
export const createMoves = (database: Database, change: Changes): Moves => ({
  begin: (settlement, uid, { placement, keep }) => {
    const job = randomUUID();
    return change({
      kind: "tenant.move",
      settlement,
      chain: uid,
      takesFrom: [],
      bumps: [],
      work: async (tx) => {
        const [tenant] = await tx.rows<{ status: string }>(
          "select status from bulkhead.tenant where uid = $1 for update",
          [uid],
        );
        if (tenant === undefined || tenant.status === "deleting" || tenant.status === "deleted")
          throw new FileError("not-found", "There is no such tenant.");
        const [begun] = await orMoving(
          tx.rows<{ any: boolean }>("select bulkhead.move_begin_v1($1, $2, $3, $4) as any", [
            job,
            uid,
            placement,
            keep,
          ]),
        );
        if (begun?.any !== true)
          throw new FileError("conflict", "The tenant is on that placement.", { retry: "never" });
        await tx.rows(
          `insert into bulkhead.job (id, kind, tenant, payload, run_at, max_attempts)
           values ($1, $2, $3, $4, bulkhead.now(), $5)`,
          [job, moveKind, uid, toJson({ placement, keep }), maxAttempts],
        );
        return { value: job, payload: {}, outcome: { tenant: uid, job } };
      },
    });
  },

  get: async (job) => {
    const [row] = await database.rows<{ record: MoveRecord }>(
      `select jsonb_build_object('tenantUid', m.tenant, 'placement', m.placement, 'keep', m.keep, 'state', m.state,
         'aborted', m.aborted or t.status in ('deleting', 'deleted')) as record
       from bulkhead.tenant_move m join bulkhead.tenant t on t.uid = m.tenant where m.job = $1`,
      [job],
    );
    return row?.record;
  },

  latest: async (uid) => {
    const [row] = await database.rows<{ record: JobRecord }>(
      `select bulkhead.job_json_v1(j) as record from bulkhead.tenant_move m join bulkhead.job j on j.id = m.job
       where m.tenant = $1 order by m.began_at desc limit 1`,
      [uid],
    );
    return row?.record;
  },

  abort: async (settlement, job) => {
    await change({
      kind: "tenant.move",
      settlement,
      chain: settlement?.tenant ?? platformUid,
      takesFrom: [],
      bumps: [],
      work: async (tx) => {
        const ended = await tx.rows(
          `update bulkhead.tenant_move set aborted = true, fenced_until = null
           where job = $1 and state = 'copying' returning job`,
          [job],
        );
        if (ended.length === 0)
          throw new FileError(
            "conflict",
            "The tenant is at its new placement; what is done is not undone. Move it back instead.",
            { retry: "never" },
          );
        await tx.rows(
          "update bulkhead.job set run_at = bulkhead.now() where id = $1 and state = 'queued'",
          [job],
        );
        return { value: undefined, payload: {}, outcome: { job } };
      },
    });
  },

  aim: async (job, { path }, tree, mount) => {
    await database.rows("select bulkhead.move_aim_v1($1, $2, $3, $4)", [job, path, tree, mount]);
  },

  copies: async (of) => {
    const rows = await database.rows<{ record: CopyRow }>(
      `select jsonb_build_object('store', c.store, 'state', c.state, 'path', c.path, 'placement', c.placement,
         'generation', c.generation, 'copy', c.copy,
         'tenant', jsonb_build_object('uid', t.uid, 'id', t.id, 'status', t.status)) as record
       from bulkhead.content_copy c join bulkhead.tenant t on t.uid = c.tenant
       where ${"job" in of ? "c.job" : "c.tenant"} = $1 order by c.store`,
      ["job" in of ? of.job : of.tenantUid],
    );
    return rows.map(({ record: { store, state, path, ...root } }) => ({
      store,
      state,
      root: { ...root, path: parseVirtualPath(path) },
    }));
  },

  weigh: async (job) => {
    const [row] = await database.rows<{ blobs: string; bytes: string }>(
      `select count(*) as blobs, coalesce(sum(b.size), 0) as bytes from bulkhead.content_copy c
       join bulkhead.tree t on t.id = c.tree join bulkhead.blob b on b.content = t.content and b.refs > 0
       where c.job = $1 and c.state = 'coming'`,
      [job],
    );
    return { blobs: Number(row?.blobs ?? 0), bytes: Number(row?.bytes ?? 0) };
  },

  head: async (uid) => {
    const [row] = await database.rows<{ seq: string }>(
      "select seq from bulkhead.tenant_head where uid = $1",
      [uid],
    );
    return Number(row?.seq ?? 0);
  },

  next: (store, seq, limit) => database.call(statements.next, [store, seq, limit]),

  needed: async (ids) =>
    (
      await database.rows<{ id: string }>(
        "select id from bulkhead.blob where id = any ($1::uuid[]) and refs > 0",
        [ids],
      )
    ).map(({ id }) => id),

  copied: async (store, ids, after) => {
    await database.call<null>(statements.copied, [store, ids, after]);
  },

  fence: async (job, ms) => {
    await database.rows(
      `update bulkhead.tenant_move set fenced_until = bulkhead.now() + $2::double precision * interval '1 millisecond'
       where job = $1 and state = 'copying' and not aborted`,
      [job, ms],
    );
  },

  switch: async (job) => {
    const [move] = await database.rows<{ tenant: string }>(
      "select tenant from bulkhead.tenant_move where job = $1",
      [job],
    );
    if (move === undefined) return "over";
    const uid = move.tenant;
    try {
      return await change({
        kind: "tenant.move",
        settlement: undefined,
        chain: uid,
        takesFrom: [uid],
        bumps: [platformUid, uid],
        work: async (tx) => {
          const [row] = await tx.rows<{ answer: "done" | "more" | "over" }>(
            "select bulkhead.move_switch_v1($1) as answer",
            [job],
          );
          const answer = row?.answer ?? "over";
          if (answer !== "done") throw new NotSwitched(answer);
          await tx.rows("select bulkhead.audit_append_v1($1, $2, 'SUCCESS')", [
            uid,
            toJson({
              actor: "service:bulkhead",
              key: "",
              action: "tenant.moved",
              resource: uid,
              requestId: "",
              front: "job",
              detail: { job },
            }),
          ]);
          return { value: answer, payload: { tenant: uid } };
        },
      });
    } catch (error) {
      if (error instanceof NotSwitched) return error.answer;
      throw error;
    }
  },

  relabel: async (store) => {
    while (!(await database.call<boolean>(statements.relabel, [store, batch])));
  },

  settle: async (store, as) => {
    while (!(await database.call<boolean>(statements.forget, [store, batch])));
    await database.rows(
      as === "kept"
        ? "update bulkhead.content_copy set state = 'kept' where store = $1 and state = 'left'"
        : "delete from bulkhead.content_copy where store = $1",
      [store],
    );
  },

  end: async (job) => {
    await database.rows(
      "update bulkhead.tenant_move set state = 'ended', fenced_until = null where job = $1",
      [job],
    );
  },

  ending: async (uid) => {
    const moving = await database.rows(
      `update bulkhead.job j set run_at = least(j.run_at, bulkhead.now()) from bulkhead.tenant_move m
       where m.job = j.id and m.tenant = $1 and m.state <> 'ended' returning j.id`,
      [uid],
    );
    return moving.length > 0;
  },
});
