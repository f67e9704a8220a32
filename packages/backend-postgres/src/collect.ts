import { erase } from "./stage.ts";
import type { Volume } from "./volume.ts";

/** Contents that one look finds. */
const atOnce = 100;

/**
 * Deletes contents that nothing refers to and whose time has passed: uploads that were given up without a word, and what
 * was replaced or removed longer ago than the grace. Answers how many. Safe beside everything else, and beside itself.
 */
export const collect = async (volume: Volume, signal?: AbortSignal): Promise<number> => {
  let collected = 0;
  for (;;) {
    const due = await volume.database.rows("doom", [atOnce], signal);
    for (const [blob] of due) if (typeof blob === "string") await erase(volume, blob);
    collected += due.length;
    if (due.length < atOnce) return collected;
  }
};

/** Collects once what was retired is due, again while there is more to come; no timer keeps the process alive. */
export const collector = (
  collectNow: () => Promise<unknown>,
  graceMs: number,
): { readonly retired: () => void; readonly stop: () => Promise<void> } => {
  let timer: NodeJS.Timeout | undefined;
  let running: Promise<unknown> = Promise.resolve();
  let again = false;
  let stopped = false;
  const schedule = (): void => {
    if (stopped) return;
    timer ??= setTimeout(() => {
      const more = again;
      again = false;
      // What fails is found by the next one, or when the mount opens.
      running = collectNow()
        .catch(() => undefined)
        .finally(() => {
          timer = undefined;
          if (more || again) schedule();
        });
    }, graceMs + 1000).unref();
  };
  return {
    retired: () => {
      again = timer !== undefined;
      schedule();
    },
    stop: async () => {
      stopped = true;
      clearTimeout(timer);
      await running;
    },
  };
};
