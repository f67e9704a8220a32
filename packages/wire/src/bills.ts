import type { Bill } from "@bulkhead/contract";
import { z } from "zod";

/** The bill of one tenant for one month of UTC; money in minor units. */
export type WireBill = Bill;

export const wireBill: z.ZodType<WireBill> = z.object({
  tenant: z.string(),
  month: z.string(),
  reads: z.number(),
  writes: z.number(),
  searches: z.number(),
  storageGb: z.number(),
  users: z.number(),
  baseMinor: z.number(),
  overage: z.object({ users: z.number(), storage: z.number() }),
  totalMinor: z.number(),
  currency: z.string(),
  final: z.boolean(),
});

export const wireBillOf = (bill: Bill): WireBill => bill;
