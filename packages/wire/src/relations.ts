import type { RelationCondition, RelationInput, RelationRecord, Revised } from "@bulkhead/contract";
import { z } from "zod";
import { millisOf, timeOf, timeOrNull, timestamp } from "./time.ts";

/** A relation: who is what, on which file, group or tenant. */
export interface WireRelation {
  readonly id: string;
  /** The object's tenant. */
  readonly tenant: string;
  /** `user:alice`, `group:staff#member`, `tenant:beta#member`, `user:*`. */
  readonly subject: string;
  /** The subject's tenant where it is another than the object's. */
  readonly subjectTenant: string | null;
  readonly relation: string;
  /** `file:/workspace/acme/shared`, `group:staff`, `tenant:acme`. */
  readonly object: string;
  /** The tenant's own model it belongs to; null for the built-in one. */
  readonly model: string | null;
  readonly createdAt: string;
  readonly createdBy: string;
  readonly expiresAt: string | null;
  /** What it holds under; null where it holds without a condition. */
  readonly condition: RelationCondition | null;
}

const conditionShape = {
  name: z.string().min(1).max(255),
  context: z.record(z.string(), z.unknown()).optional(),
};

/** Names a condition of a tenant's own model, with what is known of its parameters beforehand. */
export const relationCondition: z.ZodType<RelationCondition> = z.strictObject(conditionShape);

const relationShape = {
  id: z.string(),
  tenant: z.string(),
  subject: z.string(),
  subjectTenant: z.string().nullable(),
  relation: z.string(),
  object: z.string(),
  model: z.string().nullable(),
  createdAt: timestamp,
  createdBy: z.string(),
  expiresAt: timestamp.nullable(),
  condition: z.object(conditionShape).nullable(),
};

export const wireRelation: z.ZodType<WireRelation> = z.object(relationShape);

export const wireRelationOf = (relation: RelationRecord): WireRelation => ({
  id: relation.id,
  tenant: relation.tenant,
  subject: relation.subject,
  subjectTenant: relation.subjectTenant,
  relation: relation.relation,
  object: relation.object,
  model: relation.model,
  createdAt: timeOf(relation.createdAt),
  createdBy: relation.createdBy,
  expiresAt: timeOrNull(relation.expiresAt),
  condition: relation.condition ?? null,
});

/** The answer to a grant. A check that names `revision` is answered from facts at least as new. */
export interface WireGrant extends WireRelation, Revised {}

export const wireGrant: z.ZodType<WireGrant> = z.object({ ...relationShape, revision: z.string() });

export const wireGrantOf = (grant: RelationRecord & Revised): WireGrant => ({
  ...wireRelationOf(grant),
  revision: grant.revision,
});

/** The answer to a revocation. */
export interface WireRevoked extends Revised {
  readonly id: string;
}

export const wireRevoked: z.ZodType<WireRevoked> = z.object({
  id: z.string(),
  revision: z.string(),
});

/** The most characters of what names a subject, a relation or an object. */
const nameLimit = 2048;

/** Names something of a relation: not empty, not endless. Whether it is one is judged where it is looked up. */
export const relationName: z.ZodType<string> = z.string().min(1).max(nameLimit);

/** `POST /v1/relations`. `tenant` is the object's, where the object does not tell it. */
export interface GrantRequest {
  readonly tenant?: string | undefined;
  readonly subject: string;
  readonly subjectTenant?: string | undefined;
  readonly relation: string;
  readonly object: string;
  readonly model?: string | undefined;
  readonly condition?: RelationCondition | undefined;
  readonly expiresAt?: string | undefined;
}

export const grantRequest: z.ZodType<GrantRequest> = z.strictObject({
  tenant: z.string().optional(),
  subject: relationName,
  subjectTenant: z.string().optional(),
  relation: relationName,
  object: relationName,
  model: z.string().optional(),
  condition: relationCondition.optional(),
  expiresAt: timestamp.optional(),
});

export const relationInputOf = ({ expiresAt, ...rest }: GrantRequest): RelationInput => ({
  ...rest,
  ...(expiresAt !== undefined && { expiresAt: millisOf(expiresAt) }),
});
