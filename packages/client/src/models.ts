import { type ModelRequest, recordPage, type WireModel, wireModel } from "@bulkhead/wire";
import type { CallOptions } from "./options.ts";
import { posted, type PostOptions } from "./post.ts";
import { allRecords, type RecordListOptions, removed } from "./records.ts";
import { recordTarget } from "./target.ts";
import type { Transport } from "./transport.ts";

export interface ModelOptions extends CallOptions {
  /** Whose model it is; the key's own tenant by default. */
  readonly tenant?: string | undefined;
}

/** Models of a tenant's own, in OpenFGA's language: for its own checks, never asked about files. */
export interface Models {
  /** Makes a model or puts another in its place, once it was found valid. */
  readonly put: (input: ModelRequest, options?: PostOptions) => Promise<WireModel>;
  readonly get: (name: string, options?: ModelOptions) => Promise<WireModel>;
  readonly list: (
    filter?: { readonly tenant?: string | undefined },
    options?: RecordListOptions,
  ) => AsyncGenerator<WireModel, void, undefined>;
  /** Removes a model with all relations that stand on it. */
  readonly delete: (name: string, options?: ModelOptions) => Promise<void>;
}

const page = recordPage(wireModel);

export const createModels = (transport: Transport): Models => ({
  put: (input, options = {}) => posted(transport, "/v1/models", input, options, wireModel),
  get: async (name, { tenant, signal } = {}) =>
    transport.ask(
      {
        method: "GET",
        target: recordTarget("models", name),
        query: { tenant },
        signal,
        repeatable: true,
      },
      wireModel,
    ),
  list: ({ tenant } = {}, options = {}) =>
    allRecords(transport, "/v1/models", { tenant }, options, page),
  delete: async (name, { tenant, signal } = {}) =>
    removed(transport, recordTarget("models", name), { tenant }, { signal }),
});
