import type { JobRecord, JobState } from "@bulkhead/contract";
import { z } from "zod";
import { timeOf, timestamp } from "./time.ts";

/** Work that outlives its request. */
export interface WireJob {
  readonly id: string;
  readonly kind: string;
  readonly tenant: string | null;
  readonly state: JobState;
  readonly attempts: number;
  readonly progress: Readonly<Record<string, unknown>>;
  readonly result?: unknown;
  readonly error: string | null;
  readonly createdAt: string;
  readonly updatedAt: string;
}

export const wireJob: z.ZodType<WireJob> = z.object({
  id: z.string(),
  kind: z.string(),
  tenant: z.string().nullable(),
  state: z.enum(["queued", "running", "done", "dead"]),
  attempts: z.int(),
  progress: z.record(z.string(), z.unknown()),
  result: z.unknown(),
  error: z.string().nullable(),
  createdAt: timestamp,
  updatedAt: timestamp,
});

export const wireJobOf = (job: JobRecord): WireJob => ({
  id: job.id,
  kind: job.kind,
  tenant: job.tenant,
  state: job.state,
  attempts: job.attempts,
  progress: job.progress,
  result: job.result ?? null,
  error: job.error,
  createdAt: timeOf(job.createdAt),
  updatedAt: timeOf(job.updatedAt),
});
