import { fileGraph } from "./file-graph.ts";
import type { FileGraph, Tuple } from "./types.ts";

export interface LoadOptions {
  /** Ends the load: it rejects with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
  /** For how long tuples are taken in one go, in milliseconds; 4 by default. */
  readonly slice?: number | undefined;
}

const rest = (): Promise<void> => new Promise((resume) => setImmediate(resume));

/** How many tuples are taken between two looks at the clock. */
const stride = 64;

/**
 * Builds a tenant's graph from pages of tuples, aside, letting others run every few milliseconds. Nobody sees it
 * before it is whole.
 */
export const loadInSlices = async (
  tenant: string,
  pages: AsyncIterable<readonly Tuple[]> | Iterable<readonly Tuple[]>,
  options: LoadOptions = {},
): Promise<FileGraph> => {
  const { signal, slice = 4 } = options;
  const graph = fileGraph(tenant);
  let since = performance.now();
  for await (const page of pages) {
    signal?.throwIfAborted();
    for (let i = 0; i < page.length; i++) {
      graph.apply({ kind: "add", tuple: page[i]! });
      if (i % stride !== stride - 1 || performance.now() - since < slice) continue;
      await rest();
      signal?.throwIfAborted();
      since = performance.now();
    }
    // Pages that are there already would follow one another without letting anyone run.
    if (performance.now() - since >= slice) {
      await rest();
      since = performance.now();
    }
  }
  signal?.throwIfAborted();
  return graph;
};
