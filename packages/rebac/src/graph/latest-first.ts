/** A heap of numbers, the one with the latest end first. */
export interface LatestFirst {
  readonly push: (end: number, number: number) => void;
  /** Takes the latest; undefined if there is none. */
  readonly pop: () => { readonly end: number; readonly number: number } | undefined;
}

interface Item {
  readonly end: number;
  readonly number: number;
}

export const latestFirst = (): LatestFirst => {
  const heap: Item[] = [];
  const endAt = (index: number): number => heap[index]?.end ?? -Infinity;
  const swap = (a: number, b: number): void => {
    const held = heap[a]!;
    heap[a] = heap[b]!;
    heap[b] = held;
  };
  return {
    push: (end, number) => {
      let at = heap.push({ end, number }) - 1;
      while (at > 0) {
        const above = (at - 1) >> 1;
        if (endAt(above) >= end) return;
        swap(at, above);
        at = above;
      }
    },
    pop: () => {
      const top = heap[0];
      const last = heap.pop();
      if (top === undefined || last === undefined || heap.length === 0) return top;
      heap[0] = last;
      for (let at = 0; ;) {
        const left = 2 * at + 1;
        const later = endAt(left + 1) > endAt(left) ? left + 1 : left;
        if (endAt(later) <= endAt(at)) return top;
        swap(at, later);
        at = later;
      }
    },
  };
};
