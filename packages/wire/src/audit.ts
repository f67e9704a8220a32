import type { AuditEntry, AuditVerdict } from "@bulkhead/contract";
import { z } from "zod";
import { timeOf, timestamp } from "./time.ts";

/** One line of the audit log. */
export interface WireAuditEntry {
  readonly id: string;
  readonly at: string;
  readonly tenant: string | null;
  readonly actor: string;
  readonly key: string;
  readonly action: string;
  readonly resource: string;
  readonly result: string;
  readonly requestId: string;
  readonly front: string;
  readonly detail: Readonly<Record<string, unknown>>;
}

export const wireAuditEntry: z.ZodType<WireAuditEntry> = z.object({
  id: z.string(),
  at: timestamp,
  tenant: z.string().nullable(),
  actor: z.string(),
  key: z.string(),
  action: z.string(),
  resource: z.string(),
  result: z.string(),
  requestId: z.string(),
  front: z.string(),
  detail: z.record(z.string(), z.unknown()),
});

export const wireAuditVerdict: z.ZodType<AuditVerdict> = z.object({
  tenant: z.string().nullable(),
  ok: z.boolean(),
  entries: z.number(),
  hash: z.string(),
  signed: z.number().nullable(),
  fault: z
    .object({
      n: z.number(),
      to: z.number().optional(),
      fault: z.enum(["changed", "missing", "reordered", "signature"]),
    })
    .nullable(),
});

export const wireAuditEntryOf = (entry: AuditEntry): WireAuditEntry => ({
  id: entry.id,
  at: timeOf(entry.at),
  tenant: entry.tenant,
  actor: entry.actor,
  key: entry.key,
  action: entry.action,
  resource: entry.resource,
  result: entry.result,
  requestId: entry.requestId,
  front: entry.front,
  detail: entry.detail,
});
