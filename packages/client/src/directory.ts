import type { DirectoryInput } from "@bulkhead/contract";
import { recordPage, type WireDirectoryEntry, wireDirectoryEntry } from "@bulkhead/wire";
import type { CallOptions } from "./options.ts";
import { posted, type PostOptions } from "./post.ts";
import { allRecords, type RecordListOptions, removed } from "./records.ts";
import { recordTarget } from "./target.ts";
import type { Transport } from "./transport.ts";

/** Which tenants other regions' servers serve, for the platform key: who asks here is told where (421 `wrong-region`). */
export interface Directory {
  readonly put: (input: DirectoryInput, options?: PostOptions) => Promise<WireDirectoryEntry>;
  readonly get: (tenant: string, options?: CallOptions) => Promise<WireDirectoryEntry>;
  readonly list: (
    options?: RecordListOptions,
  ) => AsyncGenerator<WireDirectoryEntry, void, undefined>;
  readonly delete: (tenant: string, options?: CallOptions) => Promise<void>;
}

const page = recordPage(wireDirectoryEntry);

export const createDirectory = (transport: Transport): Directory => ({
  put: (input, options = {}) =>
    posted(transport, "/v1/directory", input, options, wireDirectoryEntry),
  get: async (tenant, { signal } = {}) =>
    transport.ask(
      { method: "GET", target: recordTarget("directory", tenant), signal, repeatable: true },
      wireDirectoryEntry,
    ),
  list: (options = {}) => allRecords(transport, "/v1/directory", {}, options, page),
  delete: async (tenant, { signal } = {}) =>
    removed(transport, recordTarget("directory", tenant), {}, { signal }),
});
