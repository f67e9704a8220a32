import type { Database } from "./database.ts";

export interface AnswerDelay {
  /** The same pool, whose calls are timed. */
  readonly database: Database;
  /** By how many milliseconds answers take longer now than they do at their best; 0 if nothing was asked for a second. */
  readonly delay: () => number;
}

/** Of what is kept so much is the latest answer. */
const latestPart = 1 / 4;
/** The best that is known is forgotten so slowly, a part each answer. */
const forgottenPart = 1 / 2000;
const freshMs = 1000;

/** Times what a pool is called for: where that is the smallest question there is, it tells how busy the ledger is. */
export const answerDelay = (
  database: Database,
  clock: () => number = () => performance.now(),
): AnswerDelay => {
  let best = Infinity;
  let usual = 0;
  let heard = -Infinity;
  const hear = (ms: number, now: number): void => {
    best = ms < best ? ms : best + (ms - best) * forgottenPart;
    usual = now - heard > freshMs ? ms : usual + (ms - usual) * latestPart;
    heard = now;
  };
  return {
    database: {
      ...database,
      call: async (statement, values) => {
        const begun = clock();
        try {
          return await database.call(statement, values);
        } finally {
          const now = clock();
          hear(now - begun, now);
        }
      },
    },
    delay: () => (clock() - heard > freshMs ? 0 : Math.max(0, usual - best)),
  };
};
