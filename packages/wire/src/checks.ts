import type {
  CheckInput,
  CheckResult,
  ExpandNode,
  ListObjectsInput,
  ListSubjectsInput,
} from "@bulkhead/contract";
import { z } from "zod";
import { type RecordPage, recordPage } from "./page.ts";
import { relationCondition, relationName } from "./relations.ts";

/** The most questions that one `check/batch` asks. */
export const batchLimit = 1000;

/** The most relations that one question brings along. */
const contextualLimit = 100;

/** What the conditions of a tenant's own model are judged with. */
const context = z.record(z.string(), z.unknown()).optional();

/** `POST /v1/check` */
export const checkRequest: z.ZodType<CheckInput> = z.strictObject({
  tenant: z.string().optional(),
  subject: relationName,
  subjectTenant: z.string().optional(),
  permission: relationName,
  object: relationName,
  model: z.string().optional(),
  revision: z.string().max(256).optional(),
  contextual: z
    .array(
      z.strictObject({
        subject: relationName,
        subjectTenant: z.string().optional(),
        relation: relationName,
        object: relationName,
        condition: relationCondition.optional(),
      }),
    )
    .max(contextualLimit)
    .optional(),
  context,
});

/** The answer to a check. `reason` is `indeterminate` where a limit was hit: then it is not allowed. */
export const checkAnswer: z.ZodType<CheckResult> = z.object({
  allowed: z.boolean(),
  revision: z.string(),
  reason: z.string().exactOptional(),
});

export const checkAnswerOf = ({ allowed, revision, reason }: CheckResult): CheckResult => ({
  allowed,
  revision,
  ...(reason !== undefined && { reason }),
});

/** `POST /v1/check/batch` */
export interface CheckBatchRequest {
  readonly checks: readonly CheckInput[];
}

export const checkBatchRequest: z.ZodType<CheckBatchRequest> = z.strictObject({
  checks: z.array(checkRequest).min(1).max(batchLimit),
});

/** In the order of the questions, all from the same facts. */
export interface CheckBatchAnswer {
  readonly results: readonly CheckResult[];
}

export const checkBatchAnswer: z.ZodType<CheckBatchAnswer> = z.object({
  results: z.array(checkAnswer),
});

/** `POST /v1/expand` */
export interface ExpandRequest {
  readonly tenant?: string | undefined;
  readonly relation: string;
  readonly object: string;
  readonly model?: string | undefined;
}

export const expandRequest: z.ZodType<ExpandRequest> = z.strictObject({
  tenant: z.string().optional(),
  relation: relationName,
  object: relationName,
  model: z.string().optional(),
});

/** One node of who has a relation. */
export const expandNode: z.ZodType<ExpandNode> = z.lazy(() =>
  z.discriminatedUnion("kind", [
    z.object({ kind: z.literal("leaf"), name: z.string(), subjects: z.array(z.string()) }),
    z.object({ kind: z.literal("computed"), name: z.string(), from: z.array(z.string()) }),
    z.object({
      kind: z.enum(["union", "intersection", "difference"]),
      name: z.string(),
      nodes: z.array(expandNode),
    }),
  ]),
);

/** Who has a relation, and through what. */
export interface ExpandAnswer {
  readonly tree: ExpandNode;
}

export const expandAnswer: z.ZodType<ExpandAnswer> = z.object({ tree: expandNode });

const pageOf = { limit: z.int().min(1).max(1000).optional(), after: z.string().optional() };

/** `POST /v1/list-objects`. `after` is what an answer to the same question gave as `next`. */
export const listObjectsRequest: z.ZodType<ListObjectsInput> = z.strictObject({
  tenant: z.string().optional(),
  subject: relationName,
  subjectTenant: z.string().optional(),
  permission: relationName,
  type: relationName.optional(),
  model: z.string().optional(),
  context,
  ...pageOf,
});

/** `POST /v1/list-subjects` */
export const listSubjectsRequest: z.ZodType<ListSubjectsInput> = z.strictObject({
  tenant: z.string().optional(),
  permission: relationName,
  object: relationName,
  type: relationName.optional(),
  model: z.string().optional(),
  context,
  ...pageOf,
});

/** A page of the names of objects or subjects. */
export const namesAnswer: z.ZodType<RecordPage<string>> = recordPage(z.string());
