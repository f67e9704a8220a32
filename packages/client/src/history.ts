import {
  fileStat,
  latestChange,
  longestWaitSeconds,
  type RecordPage,
  recordPage,
  type WireChange,
  wireChange,
  type WireVersion,
  wireVersion,
} from "@bulkhead/wire";
import type { CallOptions } from "./options.ts";
import { postHeaders, type PostOptions } from "./post.ts";
import { allRecords, type RecordListOptions } from "./records.ts";
import { RemoteStats } from "./remote-stats.ts";
import { checkedPath, pathTarget } from "./target.ts";
import type { Transport } from "./transport.ts";

export interface ChangesOptions extends CallOptions {
  /** Where to go on: what `onCursor` was told, or `latest` for what comes from now on; the oldest that is kept by default. */
  readonly after?: string | undefined;
  /** Waits for more instead of ending, until `signal` aborts or the caller stops iterating. */
  readonly follow?: boolean | undefined;
  /** Told where to go on, each time that all so far has been taken. */
  readonly onCursor?: ((cursor: string) => void) | undefined;
  /** Ends after so many; those of one commit stay together. */
  readonly limit?: number | undefined;
  /** How many changes one request asks for; 1,000 at most. */
  readonly pageSize?: number | undefined;
  /** Whose changes: for the platform key, which has to say. */
  readonly tenant?: string | undefined;
}

/** The past of files, and what changed. */
export interface History {
  /** Yields what was stored at a path and removed there, newest first, also of a file that is gone. */
  readonly versions: (
    path: string,
    options?: RecordListOptions,
  ) => AsyncGenerator<WireVersion, void, undefined>;
  /** Makes an earlier content the newest one, as a write does; brings a removed file back. */
  readonly restore: (path: string, version: string, options?: PostOptions) => Promise<RemoteStats>;
  /** Yields what changed in the tenant, in the order in which it was committed, as far as the key may read it. */
  readonly changes: (options?: ChangesOptions) => AsyncGenerator<WireChange, void, undefined>;
}

const versionPage = recordPage(wireVersion);
const changePage = recordPage(wireChange);

export const createHistory = (transport: Transport): History => ({
  versions: (path, options = {}) =>
    allRecords(transport, pathTarget("versions", path), {}, options, versionPage),
  restore: async (path, version, options = {}) =>
    new RemoteStats(
      await transport.ask(
        {
          method: "POST",
          target: "/v1/restore",
          headers: postHeaders(options),
          json: { path: checkedPath(path), version },
          signal: options.signal,
          repeatable: true,
        },
        fileStat,
      ),
    ),
  changes: (options = {}) => changes(transport, options),
});

const most = 1000;

/** What one request asks for, where no more than `left` is wanted. */
const asked = (pageSize: number | undefined, left: number): number | undefined =>
  left === Infinity ? pageSize : Math.min(pageSize ?? most, left, most);

async function* changes(
  transport: Transport,
  options: ChangesOptions,
): AsyncGenerator<WireChange, void, undefined> {
  const { follow = false, onCursor, pageSize, tenant, signal, limit = Infinity } = options;
  let cursor = options.after;
  let left = limit;
  // The first answer is not waited for: it says from where on.
  let wait: number | undefined;
  while (left > 0) {
    const page: RecordPage<WireChange> = await transport.ask(
      {
        method: "GET",
        target: "/v1/changes",
        query: { after: cursor, limit: asked(pageSize, left), tenant, wait },
        signal,
        repeatable: true,
      },
      changePage,
    );
    yield* page.items;
    cursor = page.next ?? cursor;
    if (cursor !== undefined && cursor !== latestChange) onCursor?.(cursor);
    left -= page.items.length;
    if (page.items.length > 0) continue;
    if (!follow) return;
    wait = longestWaitSeconds;
  }
}
