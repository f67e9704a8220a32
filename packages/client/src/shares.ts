import { recordPage, type ShareRequest, type WireShare, wireShare } from "@bulkhead/wire";
import type { CallOptions } from "./options.ts";
import { posted, type PostOptions } from "./post.ts";
import { allRecords, type RecordListOptions, removed } from "./records.ts";
import { checkedPath, recordTarget } from "./target.ts";
import type { Transport } from "./transport.ts";

export interface ShareFilter {
  /** The tenant on the other side; for the platform key, on either. */
  readonly tenant?: string | undefined;
  readonly status?: WireShare["status"] | undefined;
}

/** Files and directories that others may use: another tenant, a subject, or whoever holds a link. */
export interface Shares {
  /** Shares. Of a link, `url` is its whole address, told in this answer alone. */
  readonly create: (input: ShareRequest, options?: PostOptions) => Promise<WireShare>;
  /** Those given and those received. */
  readonly list: (
    filter?: ShareFilter,
    options?: RecordListOptions,
  ) => AsyncGenerator<WireShare, void, undefined>;
  /** Resolves once no request that stands on it can succeed any more. */
  readonly revoke: (id: string, options?: CallOptions) => Promise<void>;
}

const page = recordPage(wireShare);

/** `base` is the address of the server, which does not know by which one it is reached. */
export const createShares = (transport: Transport, base: string): Shares => ({
  create: async (input, options = {}) => {
    const json = { ...input, path: checkedPath(input.path) };
    const share = await posted(transport, "/v1/shares", json, options, wireShare);
    return typeof share.url === "string" ? { ...share, url: base + share.url } : share;
  },
  list: (filter = {}, options = {}) =>
    allRecords(transport, "/v1/shares", { ...filter }, options, page),
  revoke: async (id, options = {}) => removed(transport, recordTarget("shares", id), {}, options),
});
