import { type BackendPath, FileError, isUnder } from "@bulkhead/contract";

/** The paths that a change has moved or is about to, and whose relations have not followed yet. */
export interface Moving {
  /** Keeps requests from the paths and all below; the answer lets them again. */
  readonly keep: (paths: readonly BackendPath[]) => () => void;
  /** Throws `unavailable` with `retryAfter` for what is kept. */
  readonly check: (...paths: readonly BackendPath[]) => void;
}

/** Makes the table of one storage, empty. */
export const moving = (): Moving => {
  const kept = new Set<readonly BackendPath[]>();
  return {
    keep: (paths) => {
      const own = [...paths];
      kept.add(own);
      return () => kept.delete(own);
    },
    check: (...paths) => {
      for (const one of kept)
        if (paths.some((path) => one.some((base) => isUnder(base, path))))
          throw new FileError(
            "unavailable",
            "This part of the tree is being moved or removed; try again shortly.",
            { fields: { retryAfter: 1 } },
          );
    },
  };
};
