import type { Database } from "./database.ts";

/** Notes when keys were last used: at most once a minute a key, off the request path. */
export interface LastUsed {
  readonly used: (keyId: string, now: number) => void;
  /** Writes what was noted. Never rejects. */
  readonly flush: () => Promise<void>;
}

const minute = 60_000;
/** Above it the oldest are forgotten: a key is then written once more than needed. */
const remembered = 10_000;

export const createLastUsed = (database: Database): LastUsed => {
  const written = new Map<string, number>();
  let waiting = new Map<string, number>();
  return {
    used: (keyId, now) => {
      const last = written.get(keyId);
      if (last !== undefined && now - last < minute && now >= last) return;
      written.delete(keyId);
      written.set(keyId, now);
      if (written.size > remembered)
        for (const oldest of written.keys()) {
          written.delete(oldest);
          break;
        }
      waiting.set(keyId, now);
    },
    flush: async () => {
      if (waiting.size === 0) return;
      const batch = waiting;
      waiting = new Map();
      try {
        await database.rows(
          `update bulkhead.key k set last_used_at = to_timestamp(u.at / 1000.0)
           from unnest($1::text[], $2::double precision[]) as u (id, at)
           where k.id = u.id and (k.last_used_at is null or k.last_used_at < to_timestamp(u.at / 1000.0) - interval '55 seconds')`,
          [[...batch.keys()], [...batch.values()]],
        );
      } catch {
        // Nobody depends on it: the next use notes it again.
        for (const id of batch.keys()) written.delete(id);
      }
    },
  };
};
