import { type Backend, FileError } from "@bulkhead/contract";
import { overrideBackend } from "@bulkhead/kit";
import type { Leases } from "@bulkhead/ledger";
import { isDead, thisProcess } from "./process-holder.ts";

const ttlMs = 10_000;

/** `unavailable` here because another process serves it: nothing is wrong with the storage. */
export class HeldElsewhere extends FileError {
  constructor() {
    super("unavailable", "Another server process serves this part of the tree now.", {
      fields: { retryAfter: 1 },
    });
  }
}

/**
 * Opens a storage that one process at a time may serve. Rejects with `HeldElsewhere` while another one does. Every
 * call after the lease is gone is refused, and `lost` is called.
 */
export const held = async (
  leases: Leases,
  name: string,
  lost: () => void,
  open: (fencing: number) => Promise<Backend>,
): Promise<Backend> => {
  const lease = await leases.acquire(name, await thisProcess(), ttlMs, isDead);
  if (lease === undefined) throw new HeldElsewhere();
  let validUntil = performance.now() + ttlMs;
  let gone = false;
  let timer: NodeJS.Timeout | undefined;

  const lose = (): void => {
    if (gone) return;
    gone = true;
    clearTimeout(timer);
    lost();
  };
  const arm = (): void => {
    timer = setTimeout(() => void keep(), ttlMs / 4).unref();
  };
  const keep = async (): Promise<void> => {
    const asked = performance.now();
    try {
      if (!(await leases.renew(name, lease.fencing, ttlMs))) return lose();
      validUntil = asked + ttlMs;
    } catch {
      // The ledger does not answer: the lease still holds until its end, and no longer.
      if (performance.now() >= validUntil) return lose();
    }
    if (!gone) arm();
  };

  const giveUp = async (): Promise<void> => {
    clearTimeout(timer);
    if (!gone) await leases.release(name, lease.fencing).catch(() => undefined);
    gone = true;
  };

  // From now on: what an earlier process left may take longer to sweep than the lease lasts.
  arm();
  let inner: Backend;
  try {
    inner = await open(lease.fencing);
  } catch (error) {
    await giveUp();
    throw error;
  }
  if (gone) {
    await inner.close();
    throw new FileError("unavailable", "This part of the tree could not be held; try again.", {
      fields: { retryAfter: 1 },
    });
  }

  const using =
    <A extends readonly unknown[], R>(run: (...args: A) => Promise<R>) =>
    (...args: A): Promise<R> =>
      gone || performance.now() >= validUntil
        ? Promise.reject(
            new FileError(
              "unavailable",
              "This process no longer holds this part of the tree; try again.",
            ),
          )
        : run(...args);

  return overrideBackend(inner, {
    stat: using(inner.stat),
    read: using(inner.read),
    write: using(inner.write),
    list: using(inner.list),
    mkdir: using(inner.mkdir),
    remove: using(inner.remove),
    copy: using(inner.copy),
    move: using(inner.move),
    probe: using(inner.probe),
    close: async () => {
      clearTimeout(timer);
      await inner.close();
      await giveUp();
    },
  });
};
