/**
 * Does `work` every `everyMs`, never twice at a time: what falls due while it runs is left out. It keeps no process
 * alive, and what `work` throws is `failed`'s, if it is to be told. Returns what stops it: the signal is aborted, and
 * what runs is waited for.
 */
export const repeatedly = (
  work: (signal: AbortSignal) => Promise<void>,
  everyMs: number,
  failed: (error: unknown) => void = () => {},
): (() => Promise<void>) => {
  const stopping = new AbortController();
  let running: Promise<void> | undefined;
  const timer = setInterval(() => {
    running ??= work(stopping.signal)
      .catch(failed)
      .finally(() => {
        running = undefined;
      });
  }, everyMs).unref();
  return async () => {
    clearInterval(timer);
    stopping.abort();
    await running;
  };
};
