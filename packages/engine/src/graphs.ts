import { FileError, type Revision } from "@bulkhead/contract";
import type { RelationStore, StoredTuple } from "@bulkhead/ledger";
import type { FileGraph, Tuple } from "@bulkhead/rebac";

export interface GraphsOptions {
  readonly store: Pick<RelationStore, "load" | "delta">;
  /** Builds a graph of a tenant's tuples without holding the loop up. */
  readonly build: (tenant: string, tuples: Iterable<readonly Tuple[]>) => Promise<FileGraph>;
  /** How many bytes all graphs together may take; the one that is asked for stays, whatever its size. */
  readonly maxBytes: number;
}

export interface Graphs {
  /** A tenant's relations, at least as new as `revision`: at once where they are in memory. */
  readonly at: (revision: Revision) => FileGraph | Promise<FileGraph>;
  readonly bytes: () => number;
  /** What waits for a load rejects with `unavailable`. */
  readonly close: () => void;
}

interface Held {
  readonly graph: FileGraph;
  revision: Revision;
  /** As of its last change. */
  bytes: number;
}

/** Tuples a page of a load. */
const pageSize = 1000;
/** How often a load that changes overtake begins again before it reads everything in one statement. */
const tries = 3;
/** More tuples than any tenant has. */
const wholeTenant = 1_000_000_000;

const covers = (have: Revision, wanted: Revision): boolean =>
  have.epoch === wanted.epoch && have.n >= wanted.n;

/**
 * Keeps the relations of tenants in memory, each as new as the revisions of whoever asks: never by a timer, never
 * something that was decided. Loads are shared and built aside; what nobody used longest goes when memory is short.
 */
export const graphs = ({ store, build, maxBytes }: GraphsOptions): Graphs => {
  // In the order of their last use.
  const held = new Map<string, Held>();
  const running = new Map<string, Promise<FileGraph>>();
  let total = 0;
  let closed = false;

  const checkOpen = (): void => {
    if (closed) throw new FileError("unavailable", "The server is stopping.");
  };

  const forget = (tenant: string): void => {
    total -= held.get(tenant)?.bytes ?? 0;
    held.delete(tenant);
  };

  const keep = (tenant: string, entry: Held): void => {
    forget(tenant);
    entry.bytes = entry.graph.bytes;
    total += entry.bytes;
    held.set(tenant, entry);
    for (const other of held.keys()) {
      if (total <= maxBytes || other === tenant) break;
      forget(other);
    }
  };

  /** Every page of one revision; undefined if a change came between two of them. */
  const read = async (
    tenant: string,
    limit: number,
  ): Promise<
    { readonly pages: readonly (readonly StoredTuple[])[]; readonly revision: Revision } | undefined
  > => {
    const pages: (readonly StoredTuple[])[] = [];
    let first: Revision | undefined;
    let after: string | undefined;
    do {
      const page = await store.load(tenant, after, limit);
      checkOpen();
      first ??= page.revision;
      if (page.revision.n !== first.n || page.revision.epoch !== first.epoch) return undefined;
      pages.push(page.tuples);
      after = page.next;
    } while (after !== undefined);
    return { pages, revision: first };
  };

  const load = async (tenant: string): Promise<Held> => {
    for (let i = 1; ; i++) {
      const whole = await read(tenant, i > tries ? wholeTenant : pageSize);
      if (whole === undefined) continue;
      return { graph: await build(tenant, whole.pages), revision: whole.revision, bytes: 0 };
    }
  };

  const advance = async (tenant: string): Promise<FileGraph> => {
    checkOpen();
    const before = held.get(tenant);
    const delta = before && (await store.delta(tenant, before.revision));
    checkOpen();
    let entry: Held;
    if (before === undefined || delta === undefined || delta === "gap") {
      entry = await load(tenant);
      checkOpen();
    } else {
      // In one turn: nobody sees a graph between two changes of one revision.
      // What fails half-way is no graph of any revision.
      forget(tenant);
      for (const change of delta.changes) before.graph.apply(change);
      before.revision = delta.revision;
      entry = before;
    }
    keep(tenant, entry);
    return entry.graph;
  };

  const wait = async (wanted: Revision): Promise<FileGraph> => {
    const { tenant } = wanted;
    const earlier = running.get(tenant);
    if (earlier !== undefined) {
      // It may have begun to read before what is wanted was there; its failure is its own callers'.
      await earlier.catch(() => undefined);
      const now = held.get(tenant);
      if (now !== undefined && covers(now.revision, wanted)) return now.graph;
    }
    // Begun after this call, by whoever waited first.
    const later = running.get(tenant);
    if (later !== undefined) return later;
    const own = advance(tenant).finally(() => running.delete(tenant));
    running.set(tenant, own);
    return own;
  };

  return {
    at: (wanted) => {
      const entry = held.get(wanted.tenant);
      if (entry === undefined || !covers(entry.revision, wanted)) return wait(wanted);
      held.delete(wanted.tenant);
      held.set(wanted.tenant, entry);
      return entry.graph;
    },
    bytes: () => total,
    close: () => {
      closed = true;
      held.clear();
      total = 0;
    },
  };
};
