/** Effects that the ledger has, to be forgotten by the database they were made in, many at a time. */
export interface SettledEffects {
  readonly settled: (staged: string) => void;
  /** Forgets what waits. Never rejects: what could not be forgotten now is when its time has passed. */
  readonly close: () => Promise<void>;
}

const most = 256;
const everyMs = 250;

export const settledEffects = (
  forget: (staged: readonly string[]) => Promise<void>,
): SettledEffects => {
  let waiting: string[] = [];
  let timer: NodeJS.Timeout | undefined;
  let running: Promise<void> = Promise.resolve();

  const flush = (): Promise<void> => {
    clearTimeout(timer);
    timer = undefined;
    const staged = waiting;
    waiting = [];
    if (staged.length > 0) running = running.then(() => forget(staged)).catch(() => undefined);
    return running;
  };

  return {
    settled: (staged) => {
      waiting.push(staged);
      if (waiting.length >= most) void flush();
      else timer ??= setTimeout(() => void flush(), everyMs).unref();
    },
    close: flush,
  };
};
