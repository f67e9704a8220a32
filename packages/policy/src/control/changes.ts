import {
  type ChangeRecord,
  type ChangesQuery,
  type Context,
  FileError,
  type History,
  isUnder,
  type PageOf,
  type Principal,
  type Reach,
  type VirtualPath,
} from "@bulkhead/contract";
import { callOf, pageLimit } from "@bulkhead/kit";
import type { Decide } from "../decided.ts";
import { checkScope, checkServing } from "../decision.ts";
import type { Authority, TenantStore } from "../ports.ts";
import type { Audited } from "./audited.ts";

/** A commit as the ledger tells it: paths are inside a mount, of a copy or move the source first. */
export interface StoredChange extends Pick<ChangeRecord, "seq" | "at" | "version" | "etag"> {
  readonly kind: string;
  readonly mount?: string;
  readonly paths: readonly string[];
}

export interface ChangeLog {
  /** In commit order, after a number (from the oldest by default), with the newest number there is. */
  readonly after: (
    tenantUid: string | undefined,
    seq: number | undefined,
    limit: number,
  ) => Promise<{ readonly head: number; readonly items: readonly StoredChange[] }>;
  /** Resolves to true once there is a greater number, to false when the time is over or a signal aborts. Holds no connection. */
  readonly arrived: (
    tenantUid: string | undefined,
    seq: number,
    ms: number,
    signals: readonly AbortSignal[],
  ) => Promise<boolean>;
}

export interface ChangesControlOptions {
  readonly log: ChangeLog;
  readonly tenants: Pick<TenantStore, "get">;
  readonly authority: Pick<Authority, "readmit">;
  readonly audited: Audited;
  /** What a read of a path is asked, whatever is there. */
  readonly decide: Decide;
  /** Where in the tree something inside a mount is; undefined if nothing that is there now can be meant. */
  readonly placed: (mount: string, path: string) => VirtualPath | undefined;
  /** How the holder of a reach writes a path. */
  readonly addressed: (reach: Reach, path: VirtualPath) => string;
}

type Sees = (path: VirtualPath) => Promise<boolean>;

const longestWaitMs = 30_000;
/** How often who waits is let in again: a key that has ended waits for nothing. */
const againMs = 1000;

const checked = ({ limit = 100, waitMs = 0 }: ChangesQuery): { limit: number; waitMs: number } => {
  if (!Number.isInteger(limit) || limit < 1 || limit > pageLimit)
    throw new FileError("invalid-request", `A page holds 1 to ${pageLimit} changes.`);
  if (!(waitMs >= 0 && waitMs <= longestWaitMs))
    throw new FileError(
      "invalid-request",
      `An answer waits at most ${longestWaitMs / 1000} seconds; ask again for more.`,
    );
  return { limit, waitMs };
};

const positionOf = (after: string | undefined): number | "latest" | undefined => {
  if (after === undefined || after === "latest") return after;
  if (!/^\d{1,15}$/.test(after))
    throw new FileError("invalid-request", "'after' is a cursor that an earlier answer gave.");
  return Number(after);
};

/** Tells a tenant's changes to those who may read what changed, and not even that there was one to others. */
export const changesControl = (options: ChangesControlOptions): Pick<History, "changes"> => {
  const { log, tenants, authority, audited, decide, placed, addressed } = options;

  const tenantOf = async (
    { tenant, kind }: Principal,
    named: string | undefined,
  ): Promise<string | undefined> => {
    if (kind !== "platform") {
      if (named !== undefined && named !== tenant?.id)
        throw new FileError("tenant-mismatch", "The tenant named by the request is not the key's.");
      return tenant?.uid;
    }
    if (named === undefined)
      throw new FileError(
        "invalid-request",
        "The platform key names the tenant whose changes it reads.",
      );
    const found = await tenants.get(named);
    if (found === undefined) throw new FileError("not-found", "There is no such tenant.");
    return found.uid;
  };

  const mayRead = async (principal: Principal, path: VirtualPath): Promise<boolean> => {
    try {
      await decide(principal, callOf("read", path));
      return true;
    } catch (error) {
      // Who cannot be answered now is not told less for it.
      if (error instanceof FileError && error.retry === "never") return false;
      throw error;
    }
  };

  /** What one commit is to those who see as much as `sees` says: nothing, or a record for each place they know. */
  const told = async (change: StoredChange, reach: Reach, sees: Sees): Promise<ChangeRecord[]> => {
    const { mount, seq, at, etag, version } = change;
    const [first, second] = change.paths.map((path) =>
      mount === undefined ? undefined : placed(mount, path),
    );
    /** The places it happened at. What was done to a directory above the bounds was done to all that is within. */
    const spots = async (
      path: VirtualPath | undefined,
      whole: boolean,
    ): Promise<readonly VirtualPath[]> => {
      if (path === undefined) return [];
      if (await sees(path)) return [path];
      const within = whole ? reach.bounds.filter((bound) => isUnder(path, bound)) : [];
      const seen: VirtualPath[] = [];
      for (const bound of within) if (await sees(bound)) seen.push(bound);
      return seen;
    };
    const as = (kind: ChangeRecord["kind"], path: VirtualPath): ChangeRecord => ({
      seq,
      kind,
      path: addressed(reach, path),
      at,
    });
    const made = { ...(version !== undefined && { version }), ...(etag !== undefined && { etag }) };
    const source = async (): Promise<{ readonly from?: string }> =>
      first !== undefined && (await sees(first)) ? { from: addressed(reach, first) } : {};
    switch (change.kind) {
      case "file.write":
        return (await spots(first, false)).map((path) => ({ ...as("write", path), ...made }));
      case "file.mkdir":
        return (await spots(first, false)).map((path) => as("mkdir", path));
      case "file.remove":
        return (await spots(first, true)).map((path) => as("remove", path));
      case "file.copy": {
        const from = await source();
        return (await spots(second, true)).map((path) => ({
          ...as("copy", path),
          ...from,
          ...made,
        }));
      }
      case "file.move": {
        const arrived = await spots(second, true);
        // To those who do not see where it went it is gone.
        if (arrived.length === 0)
          return (await spots(first, true)).map((path) => as("remove", path));
        const from = await source();
        return arrived.map((path) => ({ ...as("move", path), ...from }));
      }
      default:
        return [];
    }
  };

  interface Read extends PageOf<ChangeRecord> {
    readonly head: number;
  }

  /** Reads on until something is to be told or nothing is left. A commit is never split over two pages. */
  const read = async (
    tenant: string | undefined,
    from: number | undefined,
    limit: number,
    tell: (change: StoredChange) => Promise<readonly ChangeRecord[]>,
  ): Promise<Read> => {
    const items: ChangeRecord[] = [];
    let seq = from;
    for (;;) {
      const page = await log.after(tenant, seq, pageLimit);
      for (const change of page.items) {
        const records = await tell(change);
        if (items.length > 0 && items.length + records.length > limit)
          return { items, next: String(seq), head: page.head };
        items.push(...records);
        seq = change.seq;
      }
      if (page.items.length === pageLimit && items.length === 0) continue;
      if (page.items.length < pageLimit) seq = Math.max(seq ?? 0, page.head);
      return { items, next: String(seq), head: page.head };
    }
  };

  const changes = async (ctx: Context, query: ChangesQuery): Promise<PageOf<ChangeRecord>> => {
    const { principal } = ctx;
    const { reach } = principal;
    checkScope(principal, "read");
    const { limit, waitMs } = checked(query);
    const position = positionOf(query.after);
    const tenant = await tenantOf(principal, query.tenant);
    const deadline = performance.now() + waitMs;
    const signals = query.enough === undefined ? [ctx.signal] : [ctx.signal, query.enough];
    let from = position === "latest" ? (await log.after(tenant, undefined, 0)).head : position;
    let now = principal;
    for (;;) {
      // Narrowed for this request alone, and by what the key may by now.
      const sees: Sees = async (path) =>
        (await mayRead(principal, path)) && (now === principal || (await mayRead(now, path)));
      const { items, next, head } = await read(tenant, from, limit, (change) =>
        told(change, reach, sees),
      );
      const over = (): boolean =>
        performance.now() >= deadline || signals.some((signal) => signal.aborted);
      if (items.length > 0 || over()) return { items, ...(next !== undefined && { next }) };
      from = head;
      let arrived: boolean;
      do {
        const left = deadline - performance.now();
        arrived = await log.arrived(tenant, head, Math.max(0, Math.min(left, againMs)), signals);
        // Nothing is told on what a revoke has taken meanwhile.
        now = (await authority.readmit(principal)).principal;
        checkServing(now.tenant, now);
        checkScope(now, "read");
      } while (!arrived && !over());
    }
  };

  return {
    changes: (ctx, query) =>
      audited(ctx, "changes", `tenant:${query.tenant ?? ctx.principal.tenant?.id ?? ""}`, () =>
        changes(ctx, query),
      ),
  };
};
