import type { UpgradeInput, UpgradePreview } from "@bulkhead/contract";
import { z } from "zod";

const limits = z.record(z.string(), z.number().nullable());

/** `POST /v1/tenants/{id}/upgrade` */
export const upgradeRequest: z.ZodType<UpgradeInput> = z.strictObject({
  plan: z.string(),
  preview: z.boolean().optional(),
});

/** The answer of `POST /v1/tenants/{id}/upgrade` with `preview`. */
export const upgradePreview: z.ZodType<UpgradePreview> = z.object({
  preview: z.literal(true),
  tenant: z.string(),
  from: z.string().nullable(),
  to: z.string(),
  limits: z.object({ before: limits, after: limits }),
  features: z.object({ gained: z.array(z.string()), lost: z.array(z.string()) }),
  baseMinor: z.object({ before: z.int(), after: z.int() }),
  currency: z.string(),
  exceeded: z.array(z.object({ resource: z.string(), used: z.number(), limit: z.number() })),
  endsTrial: z.boolean(),
});
