/** How many changes a copy carries beside what it shares; beyond, they are merged into what the next copies share. */
const most = 256;

/** A map whose copies share what none of them changed: copying one of very many entries costs a few. No value is undefined. */
export interface SharedMap<K, V extends object | string | number> {
  readonly get: (key: K) => V | undefined;
  readonly has: (key: K) => boolean;
  readonly set: (key: K, value: V) => void;
  /** True if it was there. */
  readonly delete: (key: K) => boolean;
  readonly size: () => number;
  readonly values: () => IterableIterator<V>;
  /** Another map with the same entries. */
  readonly copy: () => SharedMap<K, V>;
}

const merged = <K, V>(
  base: ReadonlyMap<K, V>,
  changes: ReadonlyMap<K, V | undefined>,
): ReadonlyMap<K, V> => {
  const all = new Map(base);
  for (const [key, value] of changes)
    if (value === undefined) all.delete(key);
    else all.set(key, value);
  return all;
};

/** Makes one; `base` is shared and never changed, `changes` are its own. */
export const sharedMap = <K, V extends object | string | number>(
  base: ReadonlyMap<K, V> = new Map(),
  changes: Map<K, V | undefined> = new Map(),
  size: number = base.size,
): SharedMap<K, V> => {
  let count = size;
  const get = (key: K): V | undefined => {
    const changed = changes.get(key);
    return changed === undefined && !changes.has(key) ? base.get(key) : changed;
  };
  return {
    get,
    has: (key) => get(key) !== undefined,
    set: (key, value) => {
      if (get(key) === undefined) count += 1;
      changes.set(key, value);
    },
    delete: (key) => {
      if (get(key) === undefined) return false;
      count -= 1;
      changes.set(key, undefined);
      return true;
    },
    size: () => count,
    *values() {
      for (const [key, value] of base) if (!changes.has(key)) yield value;
      for (const value of changes.values()) if (value !== undefined) yield value;
    },
    copy: () =>
      changes.size > most
        ? sharedMap(merged(base, changes))
        : sharedMap(base, new Map(changes), count),
  };
};
