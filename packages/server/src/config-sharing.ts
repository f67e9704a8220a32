import { z } from "zod";

/** How much of a process one tenant has. */
export interface AdmissionConfig {
  readonly tenant: number;
  readonly process: number;
  readonly streams: number;
  readonly queue: number;
  readonly waitSeconds: number;
}

const positive = z.number().int().min(1);

/** `admission` in `bulkhead.yaml`. */
export const admission: z.ZodType<AdmissionConfig> = z
  .strictObject({
    tenant: positive
      .default(32)
      .describe(
        "Requests of one tenant that are worked on at once, its bodies on their way apart.",
      ),
    process: positive
      .default(512)
      .describe("Requests of all tenants; one of each tenant is worked on all the same."),
    streams: positive.default(1024).describe("Bodies of one tenant that are on their way at once."),
    queue: positive.default(1024).describe("Requests of one tenant that wait for a place."),
    waitSeconds: z.number().min(0.1).default(10).describe("How long one waits before it gets 503."),
  })
  .prefault({})
  .describe("How the server's work is shared out between tenants, in each process.");
