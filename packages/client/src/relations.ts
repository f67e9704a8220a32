import type {
  CheckInput,
  CheckResult,
  ExpandNode,
  ListObjectsInput,
  ListSubjectsInput,
} from "@bulkhead/contract";
import {
  checkAnswer,
  checkBatchAnswer,
  expandAnswer,
  type ExpandRequest,
  type GrantRequest,
  namesAnswer,
  recordPage,
  type WireGrant,
  wireGrant,
  type WireRelation,
  wireRelation,
  type WireRevoked,
  wireRevoked,
} from "@bulkhead/wire";
import { type BulkheadError, bulkheadError } from "./errors.ts";
import type { CallOptions } from "./options.ts";
import { asked, posted, type PostOptions } from "./post.ts";
import { allRecords, pagesOf, type RecordListOptions } from "./records.ts";
import { checkedPath, recordTarget } from "./target.ts";
import type { Transport } from "./transport.ts";

export interface RelationFilter {
  /** The object's tenant. */
  readonly tenant?: string | undefined;
  readonly subject?: string | undefined;
  readonly relation?: string | undefined;
  readonly object?: string | undefined;
  readonly model?: string | undefined;
  /** Only those whose subject is of another tenant than their object. */
  readonly crossing?: boolean | undefined;
}

/** The words of a grant. */
export type GrantedAs = Omit<GrantRequest, "expiresAt" | "condition">;

/**
 * Relations: who is what, on which file, group or tenant. Subjects are written `user:alice`, `group:staff#member`,
 * `tenant:beta#member` or `user:*`; objects `file:/workspace/acme/shared`, `group:staff` or `tenant:acme`.
 */
export interface Relations {
  /** Gives a relation. One that is there already is renewed: its end becomes the new one. */
  readonly grant: (input: GrantRequest, options?: PostOptions) => Promise<WireGrant>;
  readonly list: (
    filter?: RelationFilter,
    options?: RecordListOptions,
  ) => AsyncGenerator<WireRelation, void, undefined>;
  /** Resolves once no request that stands on it can succeed any more. */
  readonly revoke: (id: string, options?: CallOptions) => Promise<WireRevoked>;
  /**
   * Revokes what was granted with these words. Rejects with `not-found` where there is none, and with `conflict` where
   * subjects of several tenants have it and `subjectTenant` does not say which is meant.
   */
  readonly revokeMatching: (
    granted: GrantedAs,
    options?: CallOptions,
  ) => Promise<readonly WireRelation[]>;
  readonly check: (input: CheckInput, options?: CallOptions) => Promise<CheckResult>;
  /** In the order of the questions, at most 1,000, all answered from the same facts. */
  readonly checkBatch: (
    checks: readonly CheckInput[],
    options?: CallOptions,
  ) => Promise<readonly CheckResult[]>;
  /** Who has a relation, and through what. */
  readonly expand: (input: ExpandRequest, options?: CallOptions) => Promise<ExpandNode>;
  /** What a subject may; of files only the roots: all below one that is named is meant, too. */
  readonly listObjects: (
    input: Omit<ListObjectsInput, "limit" | "after">,
    options?: RecordListOptions,
  ) => AsyncGenerator<string, void, undefined>;
  /** Who may on an object, as relations name them: `group:staff#member` stands for all who are in it. */
  readonly listSubjects: (
    input: Omit<ListSubjectsInput, "limit" | "after">,
    options?: RecordListOptions,
  ) => AsyncGenerator<string, void, undefined>;
}

const page = recordPage(wireRelation);

// `/x/*` means what lies below `/x` alone: another relation than one on `/x`, which a list finds as well.
const isBelow = (object: string): boolean => /\/\*\*?$/.test(object);

const refused = (code: "not-found" | "conflict", message: string): BulkheadError =>
  bulkheadError(code, message, { status: 200, retryable: false });

export const createRelations = (transport: Transport): Relations => {
  const list: Relations["list"] = (filter = {}, options = {}) =>
    allRecords(
      transport,
      "/v1/relations",
      { ...filter, crossing: filter.crossing === true || undefined },
      options,
      page,
    );
  const revoke: Relations["revoke"] = async (id, options = {}) =>
    transport.ask(
      { method: "DELETE", target: recordTarget("relations", id), signal: options.signal },
      wireRevoked,
    );
  const namesOf = (
    target: string,
    input: object,
    { pageSize: limit, signal }: RecordListOptions,
  ): AsyncGenerator<string, void, undefined> =>
    pagesOf((after) =>
      asked(transport, target, { ...input, limit, after }, { signal }, namesAnswer),
    );
  return {
    grant: (input, options = {}) => posted(transport, "/v1/relations", input, options, wireGrant),
    list,
    revoke,
    revokeMatching: async ({ subjectTenant, ...filter }, options = {}) => {
      const found: WireRelation[] = [];
      for await (const relation of list(filter, options))
        if (
          isBelow(relation.object) === isBelow(filter.object) &&
          (subjectTenant ?? relation.subjectTenant ?? relation.tenant) ===
            (relation.subjectTenant ?? relation.tenant)
        )
          found.push(relation);
      if (found.length === 0) throw refused("not-found", "There is no such relation.");
      if (new Set(found.map((relation) => relation.subjectTenant)).size > 1)
        throw refused(
          "conflict",
          "Subjects of several tenants have this relation; name the subject's tenant, or revoke by id.",
        );
      for (const { id } of found) await revoke(id, options);
      return found;
    },
    check: (input, options = {}) => asked(transport, "/v1/check", input, options, checkAnswer),
    checkBatch: async (checks, options = {}) =>
      (await asked(transport, "/v1/check/batch", { checks }, options, checkBatchAnswer)).results,
    expand: async (input, options = {}) =>
      (await asked(transport, "/v1/expand", input, options, expandAnswer)).tree,
    listObjects: (input, options = {}) => namesOf("/v1/list-objects", input, options),
    listSubjects: (input, options = {}) => namesOf("/v1/list-subjects", input, options),
  };
};

/** Asks whether a subject has a permission (`can_read`, `can_write`, `can_share`) on a file or directory. */
export type Check = (
  subject: string,
  permission: string,
  path: string,
  options?: CallOptions,
) => Promise<boolean>;

export const createCheck =
  (relations: Relations): Check =>
  async (subject, permission, path, options = {}) => {
    const object = `file:${checkedPath(path)}`;
    return (await relations.check({ subject, permission, object }, options)).allowed;
  };
