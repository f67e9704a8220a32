import { FileError, type Settlement } from "@bulkhead/contract";
import { type Database, type Queries, toJson } from "./database.ts";
import { platformUid } from "./types.ts";

/** What a change writes beside its rows. */
export interface Written<T> {
  readonly value: T;
  /** For the changelog of each tenant that was bumped. */
  readonly payload: Readonly<Record<string, unknown>>;
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
  /** Writes the rows. `at` is the new revision of each bumped tenant. */
  readonly work: (tx: Queries, at: ReadonlyMap<string, Bumped>) => Promise<Written<T>>;
}

export interface Bumped {
  readonly epoch: string;
  readonly n: number;
}

export type Changes = <T>(change: Change<T>) => Promise<T>;

const uidOf = (tenant: string | undefined): string =>
  tenant === undefined || tenant === "platform" ? platformUid : tenant;

const sorted = (uids: Iterable<string>): string[] => [...new Set(uids)].toSorted();

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/**
 * Makes the one way in which facts about tenants and keys change: fences in order of uid, revisions in order of uid,
 * then the acting key judged again, rows, changelog, idempotency row, and the head of the chain last.
 */
export const createChanges =
  (database: Database): Changes =>
  async <T>(change: Change<T>): Promise<T> => {
    const { settlement, takesFrom } = change;
    const after = new Map<string, Bumped>();
    const value = await database.transaction(async (tx) => {
      after.clear();
      const exclusive = new Set(takesFrom);
      const actors =
        settlement === undefined
          ? []
          : settlement.revisions.map((revision) => uidOf(revision.tenant));
      for (const uid of sorted([...exclusive, ...actors, change.chain])) {
        const lock = exclusive.has(uid) ? "pg_advisory_xact_lock" : "pg_advisory_xact_lock_shared";
        await tx.rows(`select ${lock}(bulkhead.fence_key($1::uuid))`, [uid]);
      }
      for (const uid of sorted(change.bumps)) {
        const [row] = await tx.rows<{ at: Bumped }>("select bulkhead.bump_v1($1::uuid) as at", [
          uid,
        ]);
        if (row !== undefined) after.set(uid, row.at);
      }
      if (settlement?.audit !== undefined) {
        const [row] = await tx.rows<{ overtaken: boolean }>(
          "select bulkhead.overtaken_v1($1::jsonb) as overtaken",
          [toJson(settlement)],
        );
        if (row?.overtaken === true)
          throw new FileError("conflict", "What the key may do changed meanwhile; try again.");
      }
      const written = await change.work(tx, after);
      for (const [uid, at] of after)
        await tx.rows(
          "insert into bulkhead.changelog (tenant, n, at, kind, payload) values ($1, $2, bulkhead.now(), $3, $4)",
          [uid, at.n, change.kind, toJson(written.payload)],
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
