import type {
  QuotaAnswer,
  QuotaAudit,
  QuotaEntries,
  QuotaEntry,
  QuotaInput,
  UsageReport,
} from "@bulkhead/contract";
import { z } from "zod";

const limit = z.union([z.int().min(0), z.null(), z.literal("plan")]);

/** `PUT /v1/tenants/{id}/quota` */
export const quotaRequest: z.ZodType<QuotaInput> = z.record(
  z.string(),
  z.union([
    limit,
    z.strictObject({ limit: limit.optional(), soft: z.int().min(0).nullable().optional() }),
  ]),
);

// `soft` is absent where there is none, never undefined.
const entry: z.ZodType<QuotaEntry> = z
  .object({ limit: z.number().nullable(), soft: z.number().optional(), used: z.number() })
  .transform(({ limit: most, soft, used }) => ({
    limit: most,
    ...(soft !== undefined && { soft }),
    used,
  }));

/** `GET /v1/tenants/{id}/quota` */
export const quotaEntries: z.ZodType<QuotaEntries> = z.record(z.string(), entry);

/** `POST /v1/tenants/{id}/quota/{resource}/check`, `increment` and `decrement` */
export interface AmountRequest {
  readonly amount: number;
}

export const amountRequest: z.ZodType<AmountRequest> = z.strictObject({
  amount: z.int().min(1).default(1),
});

export const quotaAnswer: z.ZodType<QuotaAnswer> = z
  .object({
    allowed: z.boolean(),
    reason: z.string().optional(),
    current: z.number(),
    limit: z.number().nullable(),
    remaining: z.number().nullable(),
  })
  .transform(({ reason, ...rest }) => ({ ...rest, ...(reason !== undefined && { reason }) }));

const amounts = z.object({ bytes: z.number(), files: z.number(), versionBytes: z.number() });

/** The result of the job that `POST /v1/tenants/{id}/quota/audit` begins. */
export const quotaAudit: z.ZodType<QuotaAudit> = z.object({
  tenant: z.string(),
  counted: amounts,
  found: amounts,
  drift: amounts,
  storages: z.array(
    z.object({
      path: z.string(),
      scheme: z.string(),
      found: amounts,
      differences: z.array(
        z.object({
          path: z.string(),
          found: z.number().nullable(),
          charged: z.number().nullable(),
        }),
      ),
    }),
  ),
});

/** `GET /v1/tenants/{id}/usage` */
export const usageReport: z.ZodType<UsageReport> = z.object({
  plan: z.string().nullable(),
  usage: z.record(z.string(), z.number()),
  limits: z.record(z.string(), z.number().nullable()),
  utilization: z.record(z.string(), z.number().nullable()),
  warnings: z.array(z.string()),
});
