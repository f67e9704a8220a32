import type { BucketSpec } from "@bulkhead/engine";
import { z } from "zod";
import { bucket, bucketFaults, bucketOfMounts } from "./config-bucket.ts";
import { provisioning, type ProvisioningConfig } from "./config-provisioning.ts";

export interface MechanicsConfig {
  readonly timeoutMs?: number | undefined;
  readonly retries?: number | undefined;
  readonly concurrency?: number | undefined;
}

interface StorageConfig {
  readonly options: { readonly root?: string | undefined; readonly s3?: BucketSpec | undefined };
  readonly durability: "strict" | "relaxed";
  readonly readOnly: boolean;
  readonly region?: string | { readonly attested: string } | undefined;
  readonly mechanics?: MechanicsConfig | undefined;
}

export interface PlacementConfig extends StorageConfig {
  readonly backend: "local" | "memory" | "versioned" | "postgres" | "s3";
  readonly options: {
    readonly root?: string | undefined;
    readonly s3?: BucketSpec | undefined;
    readonly adminUrl?: string | undefined;
    readonly schema?: string | undefined;
  };
  readonly plans?: readonly string[] | undefined;
  readonly provisioning?: ProvisioningConfig | undefined;
}

export interface MountConfig extends StorageConfig {
  readonly backend: "local" | "memory" | "s3";
  readonly path: string;
  readonly tenant?: string | undefined;
  readonly priority: number;
}

export interface BackendConfig extends StorageConfig {
  readonly backend: "local" | "memory" | "s3" | "versioned";
  readonly tenants: boolean;
}

const storage = {
  options: z
    .strictObject({
      root: z.string().min(1).optional().describe("For local and versioned: the folder."),
      s3: bucket.optional(),
    })
    .default({})
    .describe("What this kind of storage needs."),
  durability: z
    .enum(["strict", "relaxed"])
    .default("strict")
    .describe(
      "strict: what is acknowledged outlives power loss. relaxed: it outlives the process.",
    ),
  readOnly: z.boolean().default(false).describe("Refuses every change."),
  region: z
    .union([z.string().min(1), z.strictObject({ attested: z.string().min(1) })])
    .optional()
    .describe("Where the storage has to be: confirmed by itself, or attested by you."),
};

const mechanics = z
  .strictObject({
    timeoutMs: z
      .number()
      .int()
      .min(1)
      .optional()
      .describe(
        "Milliseconds that the storage may take to begin an answer, and between two chunks; 30000 by default.",
      ),
    retries: z
      .number()
      .int()
      .min(0)
      .max(10)
      .optional()
      .describe("How often a failed call is repeated where that is safe; 3 by default."),
    concurrency: z
      .number()
      .int()
      .min(1)
      .optional()
      .describe("Calls that the storage works on at once, the others waiting; 64 by default."),
  })
  .optional()
  .describe("For local, memory and s3: how a storage that is slow or fails is dealt with.");

export const postgresUrl: z.ZodType<string, string> = z
  .string()
  .regex(/^postgres(ql)?:\/\//, "begins with postgres:// or postgresql://");

export const placement: z.ZodType<PlacementConfig, unknown> = z
  .strictObject({
    backend: z
      .enum(["local", "memory", "versioned", "postgres", "s3"])
      .describe(
        "What the files lie on: a folder, memory, an index in the ledger over content in a folder or bucket, with history, a PostgreSQL database of the tenant's own, or a bucket.",
      ),
    ...storage,
    options: z
      .strictObject({
        root: z.string().min(1).optional().describe("For local and versioned: the folder."),
        s3: bucket.optional(),
        adminUrl: postgresUrl
          .optional()
          .describe(
            "For postgres: the server that databases are made on, as a user who may make databases and roles. The ledger's by default.",
          ),
        schema: z
          .string()
          .regex(
            /^(?!pg_)[a-z_][a-z0-9_]{0,40}$/,
            "is a plain name of a-z, 0-9 and '_', at most 41",
          )
          .optional()
          .describe("For postgres: the schema that the files lie in; bulkhead by default."),
      })
      .default({})
      .describe("What this kind of storage needs."),
    provisioning: provisioning.optional(),
    plans: z
      .array(z.string().min(1))
      .optional()
      .describe("New tenants of these plans are placed here, before the default."),
    mechanics,
  })
  .superRefine(({ backend, options, provisioning: wantedSql, mechanics: wanted }, context) => {
    const only = (path: readonly string[], given: unknown, wanted: boolean): void => {
      if (given !== undefined && !wanted)
        context.addIssue({
          code: "custom",
          path: [...path],
          message: `is not for the backend '${backend}'`,
        });
    };
    const own = backend === "postgres";
    only(["options", "root"], options.root, !own && backend !== "s3");
    for (const fault of bucketFaults(backend, options, true)) context.addIssue(fault);
    only(["options", "adminUrl"], options.adminUrl, own);
    only(["options", "schema"], options.schema, own);
    only(["provisioning", "sql"], wantedSql?.sql, own);
    only(["provisioning", "file"], wantedSql?.file, own);
    only(["mechanics"], wanted, backend !== "versioned" && !own);
  });

export const mount: z.ZodType<MountConfig, unknown> = z
  .strictObject({
    path: z.string().min(1).describe("The place in the tree, such as /workspace/acme/archive."),
    backend: z.enum(["local", "memory", "s3"]).describe("What the files lie on."),
    ...storage,
    mechanics,
    tenant: z.string().optional().describe("The tenant on whose ground the mount has to lie."),
    priority: z
      .number()
      .int()
      .default(0)
      .describe("Breaks a tie at one mount point; the greater serves."),
  })
  .superRefine(({ backend: kind, options }, context) => {
    for (const fault of bucketFaults(kind, options, true)) context.addIssue(fault);
  });

export const backend: z.ZodType<BackendConfig, unknown> = z
  .strictObject({
    backend: z.enum(["local", "memory", "s3", "versioned"]).describe("What the files lie on."),
    ...storage,
    options: z
      .strictObject({
        root: z.string().min(1).optional().describe("For local and versioned: the folder."),
        s3: bucketOfMounts.optional(),
      })
      .default({})
      .describe("What this kind of storage needs."),
    mechanics,
    tenants: z
      .boolean()
      .default(false)
      .describe("Lets admins of tenants choose it, each mount with a place of its own in it."),
  })
  .superRefine(({ backend: kind, options }, context) => {
    for (const fault of bucketFaults(kind, options, false)) context.addIssue(fault);
    const needsRoot = kind === "local" || (kind === "versioned" && options.s3 === undefined);
    if (needsRoot && options.root === undefined)
      context.addIssue({
        code: "custom",
        path: ["options", "root"],
        message: `is needed for the backend '${kind}'`,
      });
  });
