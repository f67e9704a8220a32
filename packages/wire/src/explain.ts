import type {
  ExplainInput,
  ExplainStep,
  Explanation,
  Operation,
  TenantStatus,
} from "@bulkhead/contract";
import { errorCodes } from "@bulkhead/contract";
import { z } from "zod";
import { relationName } from "./relations.ts";
import { tenantStatus } from "./tenants.ts";

/** What can be asked about: the operations of files. */
export const operations: readonly [Operation, ...Operation[]] = [
  "stat",
  "read",
  "write",
  "list",
  "mkdir",
  "remove",
  "copy",
  "move",
];

/** `POST /v1/explain`. `to` is the other end of a copy or move; `subject` whose request it would be. */
export const explainRequest: z.ZodType<ExplainInput> = z.strictObject({
  operation: z.enum(operations),
  path: z.string(),
  to: z.string().optional(),
  subject: relationName.optional(),
  size: z.int().min(0).optional(),
});

/** One question of a decision, in the order in which they are asked. */
export interface WireExplainStep {
  readonly step: ExplainStep["step"];
  readonly outcome: ExplainStep["outcome"];
  readonly detail: string;
  readonly facts: Readonly<Record<string, unknown>>;
}

/** Why a request would be allowed or denied; `code` is what it would be refused with. */
export interface WireExplanation {
  readonly decision: Explanation["decision"];
  readonly code: Explanation["code"] | null;
  readonly subject: string;
  readonly tenantStatus: TenantStatus | null;
  readonly steps: readonly WireExplainStep[];
}

export const wireExplanation: z.ZodType<WireExplanation> = z.object({
  decision: z.enum(["allowed", "denied"]),
  code: z.enum(errorCodes).nullable(),
  subject: z.string(),
  tenantStatus: tenantStatus.nullable(),
  steps: z.array(
    z.object({
      step: z.enum([
        "path",
        "rate",
        "bounds",
        "share",
        "tenant",
        "scopes",
        "relations",
        "quota",
        "mount",
        "backend",
      ]),
      outcome: z.enum(["allowed", "denied", "skipped"]),
      detail: z.string(),
      facts: z.record(z.string(), z.unknown()),
    }),
  ),
});

export const wireExplanationOf = (explanation: Explanation): WireExplanation => ({
  decision: explanation.decision,
  code: explanation.code ?? null,
  subject: explanation.subject,
  tenantStatus: explanation.tenantStatus ?? null,
  steps: explanation.steps.map(({ step, outcome, detail, facts }) => ({
    step,
    outcome,
    detail,
    facts: facts ?? {},
  })),
});
