import { z } from "zod";

/** What is made for a new tenant beside its root. */
export interface ProvisioningConfig {
  readonly sql?: string | readonly string[] | undefined;
  readonly file?: string | undefined;
  readonly buckets?: BucketsConfig | undefined;
}

interface BucketsConfig {
  readonly backend: string;
  readonly names: readonly string[];
  readonly prefix: string;
}

const buckets: z.ZodType<BucketsConfig, unknown> = z
  .strictObject({
    backend: z
      .string()
      .min(1)
      .describe("The name of one of the backends, by which the buckets are made and reached."),
    names: z
      .array(z.string().regex(/^[a-z0-9]{1,20}$/, "is at most 20 of a-z and 0-9"))
      .min(1)
      .refine((names) => new Set(names).size === names.length, "names one twice")
      .default(["uploads", "assets", "backups"])
      .describe("Each is a bucket, <subdomain or id>-<name>, mounted at <root>/<name>."),
    prefix: z
      .string()
      .regex(/^([a-z0-9][a-z0-9-]{0,19})?$/, "is at most 20 of a-z, 0-9 and '-'")
      .default("")
      .describe("Begins the names of all buckets, for a store that others use as well."),
  })
  .describe("Made for each new tenant, and removed with it.");

export const provisioning: z.ZodType<ProvisioningConfig, unknown> = z
  .strictObject({
    sql: z
      .union([z.string().min(1), z.array(z.string().min(1))])
      .optional()
      .describe("For postgres: statements, run once in a new database, as the tenant's role."),
    file: z.string().min(1).optional().describe("For postgres: a file of SQL, run after them."),
    buckets: buckets.optional(),
  })
  .describe("What is made for a new tenant.");
