import {
  type MintRequest,
  type NarrowRequest,
  type RotateRequest,
  recordPage,
  type WireKey,
  wireKey,
  type WireMintedKey,
  wireMintedKey,
} from "@bulkhead/wire";
import type { CallOptions } from "./options.ts";
import { postHeaders, type PostOptions } from "./post.ts";
import { allRecords, type RecordListOptions } from "./records.ts";
import { recordTarget } from "./target.ts";
import type { Transport } from "./transport.ts";

/** Keys: who may do what, and how far they reach. */
export interface Keys {
  /** Mints a key. The answer is the only one that holds the secret, as `key`. */
  readonly create: (input: MintRequest, options?: PostOptions) => Promise<WireMintedKey>;
  readonly list: (
    filter?: { readonly tenant?: string | undefined },
    options?: RecordListOptions,
  ) => AsyncGenerator<WireKey, void, undefined>;
  readonly get: (id: string, options?: CallOptions) => Promise<WireKey>;
  /** Narrows a key; wider is refused. */
  readonly update: (id: string, patch: NarrowRequest, options?: CallOptions) => Promise<WireKey>;
  /** Resolves once no request of the key, or of one minted with it, can succeed any more. */
  readonly revoke: (id: string, options?: CallOptions) => Promise<void>;
  /** Mints a successor; the old secret stays valid for `overlapSeconds`, by default not at all. */
  readonly rotate: (
    id: string,
    input?: RotateRequest,
    options?: PostOptions,
  ) => Promise<WireMintedKey>;
}

const page = recordPage(wireKey);

export const createKeys = (transport: Transport): Keys => ({
  create: (input, options = {}) =>
    transport.ask(
      {
        method: "POST",
        target: "/v1/keys",
        headers: postHeaders(options),
        json: input,
        signal: options.signal,
        repeatable: true,
      },
      wireMintedKey,
    ),
  list: (filter = {}, options = {}) =>
    allRecords(transport, "/v1/keys", { tenant: filter.tenant }, options, page),
  get: async (id, options = {}) =>
    transport.ask(
      { method: "GET", target: recordTarget("keys", id), signal: options.signal, repeatable: true },
      wireKey,
    ),
  update: async (id, patch, options = {}) =>
    transport.ask(
      { method: "PATCH", target: recordTarget("keys", id), json: patch, signal: options.signal },
      wireKey,
    ),
  revoke: async (id, options = {}) => {
    const target = recordTarget("keys", id);
    const response = await transport.send({ method: "DELETE", target, signal: options.signal });
    await response.body?.cancel();
  },
  rotate: async (id, input = {}, options = {}) =>
    transport.ask(
      {
        method: "POST",
        target: recordTarget("keys", id, "rotate"),
        headers: postHeaders(options),
        json: input,
        signal: options.signal,
        repeatable: true,
      },
      wireMintedKey,
    ),
});
