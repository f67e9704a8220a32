import { type BackendPath, FileError, isUnder } from "@bulkhead/contract";

/** The place of one change among those that touch the same paths. */
export interface Turn {
  /** Takes its place: at the commit, while the storage keeps others from the paths. Again for another try. */
  readonly enter: () => void;
  /** True if anything that touches its paths began or was not settled while it ran: what it knows may be outdated. */
  readonly met: () => boolean;
  /**
   * Resolves once all that entered before it and touch its paths have left. Rejects with `unavailable` after `ms`: one
   * of them may need what this one holds, to find out what became of it.
   */
  readonly first: (ms: number) => Promise<void>;
  /** Its charge is settled, or nothing happened. */
  readonly leave: () => void;
}

/** Keeps changes of one storage in the order of their effects until they are settled. */
export interface Turns {
  readonly begin: (paths: readonly BackendPath[]) => Turn;
}

interface Place {
  readonly paths: readonly BackendPath[];
  readonly left: Promise<void>;
  readonly leave: () => void;
}

const unconfirmed = (): FileError =>
  new FileError("unavailable", "An earlier change here is still being confirmed; try again.", {
    fields: { retryAfter: 1 },
  });

const touch = (a: readonly BackendPath[], b: readonly BackendPath[]): boolean =>
  a.some((x) => b.some((y) => isUnder(x, y) || isUnder(y, x)));

/** Makes the order of one storage, empty. */
export const turns = (): Turns => {
  const places = new Set<Place>();
  const beginning = new Set<{ readonly paths: readonly BackendPath[]; met: boolean }>();

  return {
    begin: (paths) => {
      const touching = (): Place[] => [...places].filter((place) => touch(place.paths, paths));
      const watch = { paths, met: touching().length > 0 };
      beginning.add(watch);
      let place: Place | undefined;
      let earlier: readonly Place[] = [];
      const leave = (): void => {
        beginning.delete(watch);
        if (place === undefined) return;
        places.delete(place);
        place.leave();
        place = undefined;
      };
      return {
        enter: () => {
          leave();
          earlier = touching();
          watch.met ||= earlier.length > 0;
          // Who is still at it, a directory's copy for one, may have seen the state before or after.
          for (const other of beginning) if (touch(other.paths, paths)) other.met = true;
          const { promise, resolve } = Promise.withResolvers<void>();
          place = { paths, left: promise, leave: resolve };
          places.add(place);
        },
        met: () => watch.met,
        first: async (ms) => {
          if (earlier.every((one) => !places.has(one))) return;
          const { promise: late, reject } = Promise.withResolvers<never>();
          const timer = setTimeout(() => reject(unconfirmed()), ms);
          try {
            await Promise.race([Promise.all(earlier.map(({ left }) => left)), late]);
          } finally {
            clearTimeout(timer);
          }
        },
        leave,
      };
    },
  };
};
