import { ledgerUnavailable } from "./errors.ts";

interface Waiter<Q, A> {
  readonly question: Q;
  readonly resolve: (answer: A) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Shares reads: questions that arrive while one read is in flight wait for the next, so that one round trip serves all
 * who arrived before it was sent, and none is served by a read older than itself. A read that fails fails those who
 * wait for the next as well, and nobody waits longer than `deadlineMs`: without a ledger all fail closed, in time.
 */
export const createSharedRead = <Q, A>(
  read: (questions: readonly Q[]) => Promise<A>,
  deadlineMs: number,
): ((question: Q) => Promise<A>) => {
  let waiting: Waiter<Q, A>[] = [];
  let reading = false;

  const pump = async (): Promise<void> => {
    reading = true;
    // Those who ask in the same turn ride along.
    await Promise.resolve();
    while (waiting.length > 0) {
      const batch = waiting;
      waiting = [];
      try {
        const answer = await read(batch.map((waiter) => waiter.question));
        for (const waiter of batch) waiter.resolve(answer);
      } catch (error) {
        const failed = [...batch, ...waiting];
        waiting = [];
        for (const waiter of failed) waiter.reject(error);
      }
    }
    reading = false;
  };

  return (question) =>
    new Promise<A>((resolve, reject) => {
      const timer = setTimeout(() => reject(ledgerUnavailable()), deadlineMs);
      waiting.push({
        question,
        resolve: (answer) => {
          clearTimeout(timer);
          resolve(answer);
        },
        reject: (error) => {
          clearTimeout(timer);
          reject(error);
        },
      });
      if (!reading) void pump();
    });
};
