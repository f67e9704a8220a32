/** How many ride in one transaction at the most. */
const most = 32;

interface Rider<Q> {
  readonly question: Q;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Combines commits: of each lane at most one is in flight, and those that arrive meanwhile ride in the next together.
 * What serialises on one row waits for one write to disk so, not for one each. A batch that fails is done again one by
 * one, so that nobody fails for another.
 */
export const createCombined = <Q>(
  laneOf: (question: Q) => string,
  run: (batch: readonly Q[]) => Promise<void>,
): ((question: Q) => Promise<void>) => {
  const lanes = new Map<string, Rider<Q>[]>();

  const alone = async ({ question, resolve, reject }: Rider<Q>): Promise<void> => {
    try {
      await run([question]);
      resolve();
    } catch (error) {
      reject(error);
    }
  };

  const together = async (riders: readonly Rider<Q>[]): Promise<void> => {
    try {
      await run(riders.map((rider) => rider.question));
      for (const rider of riders) rider.resolve();
    } catch {
      for (const rider of riders) await alone(rider);
    }
  };

  const drive = async (lane: string, waiting: Rider<Q>[]): Promise<void> => {
    while (waiting.length > 0) {
      const riders = waiting.splice(0, most);
      const [first] = riders;
      if (riders.length === 1 && first !== undefined) await alone(first);
      else await together(riders);
    }
    lanes.delete(lane);
  };

  return (question) =>
    new Promise((resolve, reject) => {
      const lane = laneOf(question);
      const rider = { question, resolve, reject };
      const waiting = lanes.get(lane);
      if (waiting !== undefined) return void waiting.push(rider);
      const own = [rider];
      lanes.set(lane, own);
      void drive(lane, own);
    });
};
