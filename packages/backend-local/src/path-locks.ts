import { type BackendPath, FileError, segmentsOf } from "@bulkhead/contract";
import { compareUtf8 } from "@bulkhead/kit";

/** What a claim covers: the `entry` alone, or the `tree` below it too. */
export interface Claim {
  readonly path: BackendPath;
  readonly extent: "entry" | "tree";
  readonly shared?: boolean;
}

/** Locks of one process on places in a tree. Whoever asked first is served first at every place. */
export interface PathLocks {
  /** Runs `body` while all claims are held. Rejects with `aborted` if `signal` fires while waiting. */
  readonly hold: <R>(
    claims: readonly Claim[],
    signal: AbortSignal | undefined,
    body: () => Promise<R>,
  ) => Promise<R>;
  /** Places that are held or waited for; 0 when idle. */
  readonly places: () => number;
}

// Multi-granularity locking: a claim announces itself at every ancestor, so that a claim on a tree meets all below it.
const below = { shared: 1, exclusive: 2 } as const;
const entry = { shared: 4, exclusive: 8 } as const;
const tree = { shared: 16, exclusive: 32 } as const;
const bits = [1, 2, 4, 8, 16, 32] as const;
const conflicts: Readonly<Record<(typeof bits)[number], number>> = {
  [below.shared]: tree.exclusive,
  [below.exclusive]: tree.shared | tree.exclusive,
  [entry.shared]: entry.exclusive | tree.exclusive,
  [entry.exclusive]: entry.shared | entry.exclusive | tree.shared | tree.exclusive,
  [tree.shared]: below.exclusive | entry.exclusive | tree.exclusive,
  [tree.exclusive]: 63,
};

const excludes = (wanted: number, held: number): boolean =>
  bits.some((bit) => (wanted & bit) !== 0 && (conflicts[bit] & held) !== 0);

interface Waiter {
  readonly mask: number;
  readonly grant: () => void;
}
interface Place {
  /** The masks held, one a holder. */
  readonly held: number[];
  readonly queue: Waiter[];
}

/** Makes a lock table. `keyOf` spells alike what the file system takes for one name. */
export const pathLocks = (keyOf: (path: string) => string = (path) => path): PathLocks => {
  const places = new Map<string, Place>();

  const masksOf = (claims: readonly Claim[]): [string, number][] => {
    const masks = new Map<string, number>();
    const add = (path: string, mask: number): void => {
      const key = keyOf(path);
      masks.set(key, (masks.get(key) ?? 0) | mask);
    };
    for (const { path, extent, shared } of claims) {
      const mode = shared === true ? "shared" : "exclusive";
      const names = segmentsOf(path);
      for (let depth = 0; depth < names.length; depth++)
        add(names.slice(0, depth).join("/"), below[mode]);
      add(path, extent === "tree" ? tree[mode] : entry[mode]);
    }
    // One order for everybody: no two requests can wait for one another.
    return [...masks].sort(([a], [b]) => compareUtf8(a, b));
  };

  const settle = (key: string, place: Place): void => {
    for (let first = place.queue[0]; first !== undefined; first = place.queue[0]) {
      const { mask } = first;
      if (place.held.some((held) => excludes(mask, held))) return;
      place.queue.shift();
      place.held.push(mask);
      first.grant();
    }
    if (place.held.length === 0) places.delete(key);
  };

  const enter = (
    key: string,
    mask: number,
    signal: AbortSignal | undefined,
  ): Promise<void> | undefined => {
    if (signal?.aborted === true) throw new FileError("aborted", "The request was given up.");
    const place = places.get(key) ?? { held: [], queue: [] };
    places.set(key, place);
    if (place.queue.length === 0 && !place.held.some((held) => excludes(mask, held))) {
      place.held.push(mask);
      return undefined;
    }
    return new Promise((resolve, reject) => {
      const abandon = (): void => {
        place.queue.splice(place.queue.indexOf(waiter), 1);
        settle(key, place);
        reject(new FileError("aborted", "The request was given up while it waited for its path."));
      };
      const waiter: Waiter = {
        mask,
        grant: () => {
          signal?.removeEventListener("abort", abandon);
          resolve();
        },
      };
      place.queue.push(waiter);
      signal?.addEventListener("abort", abandon, { once: true });
    });
  };

  const leave = (key: string, mask: number): void => {
    const place = places.get(key);
    if (place === undefined) return;
    place.held.splice(place.held.indexOf(mask), 1);
    settle(key, place);
  };

  return {
    hold: async (claims, signal, body) => {
      const taken: [string, number][] = [];
      try {
        for (const [key, mask] of masksOf(claims)) {
          await enter(key, mask, signal);
          taken.push([key, mask]);
        }
        return await body();
      } finally {
        for (const [key, mask] of taken.reverse()) leave(key, mask);
      }
    },
    places: () => places.size,
  };
};
