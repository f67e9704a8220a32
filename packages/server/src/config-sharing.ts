import { z } from "zod";

/** How much of a process one tenant has. */
export interface AdmissionConfig {
  readonly tenant: number;
  readonly process: number;
  readonly streams: number;
  readonly queue: number;
  readonly waitSeconds: number;
}

/** What requests are counted against. */
export interface RateLimitsConfig {
  readonly tenant?: number | undefined;
  readonly key?: number | undefined;
  readonly bytesPerSecond?: number | undefined;
  readonly failedAuthentication: number;
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

/** `rateLimits` in `bulkhead.yaml`. */
export const rateLimits: z.ZodType<RateLimitsConfig> = z
  .strictObject({
    tenant: positive
      .optional()
      .describe("Requests a minute of a tenant, on all processes together; no limit by default."),
    key: positive.optional().describe("Requests a minute of one key; no limit by default."),
    bytesPerSecond: positive
      .optional()
      .describe(
        "Bytes a second of files' content that a tenant sends and is sent; more is slowed down, not refused. No limit by default.",
      ),
    failedAuthentication: positive
      .default(600)
      .describe(
        "Requests a minute without a valid key from one address, or one IPv6 network of 64 bits; each process counts by itself.",
      ),
  })
  .prefault({})
  .describe("What a tenant may do in a time, unless it has limits of its own.");
