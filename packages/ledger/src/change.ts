import { FileError, type Settlement } from "@bulkhead/contract";
import { type Database, type Queries, toJson } from "./database.ts";
import { platformUid } from "./types.ts";

type Payload = Readonly<Record<string, unknown>>;

/** What a change writes beside its rows. */
export interface Written<T> {
  readonly value: T;
  /** For the changelog of each tenant that was bumped: one for all, or what concerns each. */
  readonly payload: Payload | ((uid: string) => Payload);
  /** Kept with the idempotency row. */
  readonly outcome?: Readonly<Record<string, unknown>>;
}

export interface Change<T> {
  readonly kind: string;
  /** Undefined for the server's own work, which no key asked for. */
  readonly settlement: Settlement | undefined;
  /** Whose audit chain gets the entry; known only after the rows are written where a tenant is made. */
  readonly chain: string;
  /** Tenants from whom it takes something away: their fences are held exclusively, and what they began is waited for. */
  readonly takesFrom: readonly string[];
  /** Tenants whose revision moves. */
  readonly bumps: readonly string[];
  /** Tenants whose objects must stay where they are while something is granted on them. */
  readonly holds?: readonly string[];
  /** Where the decision stood on relations: it is refused if anything was taken from a tenant of it since. */
  readonly judged?: boolean;
  /** Writes the rows. `at` is the new revision of each bumped tenant. */
  readonly work: (tx: Queries, at: ReadonlyMap<string, Bumped>) => Promise<Written<T>>;
}

export interface Bumped {
  readonly epoch: string;
  readonly n: number;
}

/** Makes the answer to who decided before something was taken away. */
export const overtaken = (): FileError =>
  new FileError("conflict", "What the key may do changed meanwhile; try again.");

export type Changes = <T>(change: Change<T>) => Promise<T>;

const uidOf = (tenant: string | undefined): string =>
  tenant === undefined || tenant === "platform" ? platformUid : tenant;

const sorted = (uids: Iterable<string>): string[] => [...new Set(uids)].toSorted();

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/**
 * Makes the one way in which facts about tenants, keys and relations change: fences in order of uid, the locks of
 * relations, revisions in order of uid, then the acting key judged again, rows, changelog, idempotency row, and the head
 * of the chain last.
 */
export const createChanges =
  (database: Database): Changes =>
  async <T>(change: Change<T>): Promise<T> => {
    const { settlement, takesFrom, holds = [], judged = false } = change;
    const after = new Map<string, Bumped>();
    const value = await database.transaction(async (tx) => {
      after.clear();
      const exclusive = new Set(takesFrom);
      const actors =
        settlement === undefined
          ? []
          : settlement.revisions.map((revision) => uidOf(revision.tenant));
      for (const uid of sorted([...exclusive, ...actors, ...change.bumps, change.chain])) {
        const lock = exclusive.has(uid) ? "pg_advisory_xact_lock" : "pg_advisory_xact_lock_shared";
        await tx.rows(`select ${lock}(bulkhead.fence_key($1::uuid))`, [uid]);
      }
      if (judged && settlement !== undefined) {
        const [row] = await tx.rows<{ taken: boolean }>(
          "select bulkhead.taken_since_v1($1::jsonb) as taken",
          [toJson(settlement)],
        );
        if (row?.taken !== false) throw overtaken();
      }
      for (const uid of sorted(holds))
        await tx.rows("select bulkhead.relations_hold_v1($1::uuid, true)", [uid]);
      for (const uid of sorted(change.bumps)) {
        const [row] = await tx.rows<{ at: Bumped }>(
          "select bulkhead.bump_v2($1::uuid, $2::boolean) as at",
          [uid, exclusive.has(uid)],
        );
        if (row !== undefined) after.set(uid, row.at);
      }
      if (settlement?.audit !== undefined) {
        const [row] = await tx.rows<{ overtaken: boolean }>(
          "select bulkhead.overtaken_v1($1::jsonb) as overtaken",
          [toJson(settlement)],
        );
        if (row?.overtaken === true) throw overtaken();
      }
      const written = await change.work(tx, after);
      const { payload } = written;
      for (const [uid, at] of after)
        await tx.rows(
          "insert into bulkhead.changelog (tenant, n, at, kind, payload) values ($1, $2, bulkhead.now(), $3, $4)",
          [uid, at.n, change.kind, toJson(typeof payload === "function" ? payload(uid) : payload)],
        );
      if (settlement?.idempotency !== undefined) {
        const [row] = await tx.rows<{ ours: boolean }>(
          "select bulkhead.idempotency_commit_v1($1, $2) as ours",
          [settlement.idempotency, toJson(written.outcome ?? {})],
        );
        // The claim lapsed and is somebody else's by now: doing it as well would do it twice.
        if (row?.ours !== true)
          throw new FileError("conflict", "The operation was overtaken; try again.");
      }
      if (settlement?.audit !== undefined)
        await tx.rows("select bulkhead.audit_append_v1($1, $2, 'SUCCESS')", [
          change.chain,
          toJson(settlement.audit),
        ]);
      return written.value;
    });
    for (const uid of takesFrom) {
      const at = after.get(uid);
      if (at !== undefined) await settled(database, uid, at);
    }
    return value;
  };

/** Waits until no commit granted on an older revision can still take effect: at most its lease of ten seconds. */
const settled = async (database: Database, uid: string, at: Bumped): Promise<void> => {
  for (let wait = 2; ; wait = Math.min(wait * 2, 50)) {
    const busy = await database.call<boolean>(
      { name: "committing_v1", text: "select bulkhead.committing_v1($1, $2, $3)" },
      [uid, at.epoch, at.n],
    );
    if (!busy) return;
    await pause(wait);
  }
};
