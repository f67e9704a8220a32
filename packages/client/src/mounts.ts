import type { MountChanges, MountCredentials, MountInput, PlannedMounts } from "@bulkhead/contract";
import {
  appliedMounts,
  plannedMounts,
  recordPage,
  type WireMount,
  type WireMountState,
  wireMount,
  wireMountState,
} from "@bulkhead/wire";
import type { CallOptions } from "./options.ts";
import { asked, posted, type PostOptions } from "./post.ts";
import { allRecords, type RecordListOptions, removed } from "./records.ts";
import { recordTarget } from "./target.ts";
import type { Transport } from "./transport.ts";

export interface ApplyMountsOptions extends PostOptions {
  /** Those that the plan was made with, by path: a plan holds none. */
  readonly credentials?: MountChanges["credentials"];
}

export interface AddMountOptions extends PostOptions {
  /** What opens the storage, where the backend does not say. */
  readonly credentials?: MountCredentials | undefined;
}

/** Which storage serves which part of the tree: for the platform key, and for a tenant's admin key on its ground. */
export interface Mounts {
  readonly list: (
    filter?: { readonly tenant?: string | undefined },
    options?: RecordListOptions,
  ) => AsyncGenerator<WireMount, void, undefined>;
  /** Asks the storage, too. */
  readonly get: (id: string, options?: CallOptions) => Promise<WireMountState>;
  /** Says what a change would do, and does nothing. */
  readonly plan: (changes: MountChanges, options?: CallOptions) => Promise<PlannedMounts>;
  /** Does what was planned, if it would still do the same; `fields.effects` of the error says what it would do else. */
  readonly apply: (
    planned: PlannedMounts,
    options?: ApplyMountsOptions,
  ) => Promise<readonly WireMount[]>;
  /** Plans and applies one mount that hides nothing. */
  readonly add: (input: MountInput, options?: AddMountOptions) => Promise<WireMount>;
  /** Unmounts; what lies in a storage of the mount's own has to be removed first. */
  readonly delete: (id: string, options?: CallOptions) => Promise<void>;
  /** Tries other credentials and puts them in the place of the present ones. */
  readonly rotate: (
    id: string,
    credentials: MountCredentials,
    options?: PostOptions,
  ) => Promise<WireMount>;
}

const page = recordPage(wireMount);

export const createMounts = (transport: Transport): Mounts => {
  const plan: Mounts["plan"] = async (changes, options = {}) =>
    asked(transport, "/v1/mounts/plan", changes, options, plannedMounts);
  const apply: Mounts["apply"] = async (planned, { credentials, ...options } = {}) => {
    const body = { ...planned, ...(credentials !== undefined && { credentials }) };
    const answer = await posted(transport, "/v1/mounts/apply", body, options, appliedMounts);
    return answer.mounts;
  };
  return {
    list: ({ tenant } = {}, options = {}) =>
      allRecords(transport, "/v1/mounts", { tenant }, options, page),
    get: async (id, { signal } = {}) =>
      transport.ask(
        { method: "GET", target: recordTarget("mounts", id), signal, repeatable: true },
        wireMountState,
      ),
    plan,
    apply,
    add: async (input, { credentials: own, ...options } = {}) => {
      const given = own && { [input.path]: own };
      const planned = await plan({ add: [input], ...(given && { credentials: given }) }, options);
      // The plan spells the path in full; the credentials go by that.
      const [path = input.path] = planned.plan.add.map((one) => one.path);
      const credentials = own && { [path]: own };
      const [made] = await apply(planned, { ...options, credentials });
      if (made === undefined) throw new Error("The server answered no mount.");
      return made;
    },
    delete: (id, { signal } = {}) => removed(transport, recordTarget("mounts", id), {}, { signal }),
    rotate: async (id, credentials, options = {}) =>
      posted(transport, recordTarget("mounts", id, "rotate"), { credentials }, options, wireMount),
  };
};
