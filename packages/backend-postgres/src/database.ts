import { FileError } from "@bulkhead/contract";
import type { Row } from "./connection.ts";
import { isConnectionFault, isTransient, toFileError, unconfirmed } from "./errors.ts";
import type { Lease, Pools } from "./pools-types.ts";
import type { Statements } from "./statements.ts";

type Name = keyof Statements;

/** One tenant's database. Rejects with `FileError` alone; no connection is held between two calls. */
export interface Database {
  readonly rows: (
    name: Name,
    values: readonly unknown[],
    signal?: AbortSignal,
  ) => Promise<readonly Row[]>;
  /** Runs a statement that answers one text, and parses it as JSON; undefined for null. */
  readonly json: (name: Name, values: readonly unknown[], signal?: AbortSignal) => Promise<unknown>;
  /**
   * Runs an effect, once. Where the connection goes while it runs, the row that the effect would have left decides: its
   * result if it happened, `unavailable` if it did not and never will. Not cancelled: it was granted. Not begun later
   * than `grantMs` after that: who granted it counts on its end.
   */
  readonly effect: (name: Name, staged: string, values: readonly unknown[]) => Promise<unknown>;
  /** The result of an effect, or undefined: then it did not happen and never will. */
  readonly verdict: (staged: string, signal?: AbortSignal) => Promise<unknown>;
}

const attempts = 3;
/** Before each look for what became of an effect, in milliseconds. */
const lookAfterMs = [0, 100, 500];

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

const tooLate = (): FileError =>
  new FileError("unavailable", "No connection was free in time for the change; try again.", {
    fields: { retryAfter: 1 },
  });

const parsed = (rows: readonly Row[]): unknown => {
  const text = rows[0]?.[0];
  return typeof text === "string" ? JSON.parse(text) : undefined;
};

export const database = (
  pools: Pools,
  url: string,
  statements: Statements,
  grantMs: number,
): Database => {
  const leased = async <R>(
    signal: AbortSignal | undefined,
    work: (lease: Lease) => Promise<R>,
  ): Promise<R> => {
    const lease = await pools.lease(url, signal);
    try {
      return await work(lease);
    } finally {
      lease.release();
    }
  };

  /** Rejects with what `pg` says, after a deadlock was tried three times. */
  const raw = async (
    name: Name,
    values: readonly unknown[],
    signal?: AbortSignal,
    until = Infinity,
  ): Promise<readonly Row[]> => {
    for (let attempt = 1; ; attempt++) {
      try {
        return await leased(signal, (lease) => {
          if (performance.now() > until) throw tooLate();
          return lease.query(statements[name], values);
        });
      } catch (error) {
        if (attempt === attempts || !isTransient(error)) throw error;
        await pause(Math.random() * 10 * attempt);
      }
    }
  };

  const rows: Database["rows"] = async (name, values, signal) => {
    try {
      return await raw(name, values, signal);
    } catch (error) {
      throw toFileError(error);
    }
  };

  const verdict: Database["verdict"] = async (staged, signal) =>
    parsed(await rows("verdict", [staged], signal));

  const lookAgain = async (staged: string, cause: unknown): Promise<unknown> => {
    for (const ms of lookAfterMs) {
      await pause(ms);
      let result: unknown;
      try {
        result = await verdict(staged);
      } catch {
        continue;
      }
      if (result === undefined) throw toFileError(cause);
      return result;
    }
    throw unconfirmed(cause);
  };

  return {
    rows,
    json: async (name, values, signal) => parsed(await rows(name, values, signal)),
    verdict,
    effect: async (name, staged, values) => {
      try {
        const until = performance.now() + grantMs;
        return parsed(await raw(name, [true, staged, ...values], undefined, until));
      } catch (error) {
        // No lease, no effect: that is a FileError already.
        if (!isConnectionFault(error)) throw toFileError(error);
        return lookAgain(staged, error);
      }
    },
  };
};
