import { z } from "zod";
import { admission, type AdmissionConfig } from "./config-sharing.ts";
import { planFaults, type PlansConfig, plansSchema } from "./plan-settings.ts";

const storage = {
  options: z
    .strictObject({
      root: z.string().min(1).optional().describe("For local and versioned: the folder."),
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
  .describe("For local and memory: how a storage that is slow or fails is dealt with.");

const postgresUrl = z
  .string()
  .regex(/^postgres(ql)?:\/\//, "begins with postgres:// or postgresql://");

const placement = z
  .strictObject({
    backend: z
      .enum(["local", "memory", "versioned", "postgres"])
      .describe(
        "What the files lie on: a folder, memory, an index in the ledger over content in a folder, with history, or a PostgreSQL database of the tenant's own.",
      ),
    ...storage,
    options: z
      .strictObject({
        root: z.string().min(1).optional().describe("For local and versioned: the folder."),
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
    provisioning: z
      .strictObject({
        sql: z
          .union([z.string().min(1), z.array(z.string().min(1))])
          .optional()
          .describe("Statements, run in this order."),
        file: z.string().min(1).optional().describe("A file of SQL, run after them."),
      })
      .optional()
      .describe("For postgres: what is run once in a new database, as the tenant's role."),
    mechanics,
  })
  .superRefine(({ backend, options, provisioning, mechanics: wanted }, context) => {
    const only = (path: readonly string[], given: unknown, wanted: boolean): void => {
      if (given !== undefined && !wanted)
        context.addIssue({
          code: "custom",
          path: [...path],
          message: `is not for the backend '${backend}'`,
        });
    };
    const own = backend === "postgres";
    only(["options", "root"], options.root, !own);
    only(["options", "adminUrl"], options.adminUrl, own);
    only(["options", "schema"], options.schema, own);
    only(["provisioning"], provisioning, own);
    only(["mechanics"], wanted, backend === "local" || backend === "memory");
  });
const mount = z.strictObject({
  path: z.string().min(1).describe("The place in the tree, such as /workspace/acme/archive."),
  backend: z.enum(["local", "memory"]).describe("What the files lie on."),
  ...storage,
  mechanics,
  tenant: z.string().optional().describe("The tenant on whose ground the mount has to lie."),
  priority: z
    .number()
    .int()
    .default(0)
    .describe("Breaks a tie at one mount point; the greater serves."),
});

const schema = z.strictObject({
  $schema: z.string().optional(),
  host: z.string().min(1).default("127.0.0.1").describe("The address to listen on."),
  port: z
    .number()
    .int()
    .min(0)
    .max(65_535)
    .default(2026)
    .describe("The port to listen on; 0 takes a free one."),
  dataDir: z
    .string()
    .min(1)
    .default("./data")
    .describe("Where the server keeps what has no other place."),
  databaseUrl: postgresUrl
    .optional()
    .describe("The ledger's PostgreSQL. Without it the server runs one of its own in dataDir."),
  region: z.string().min(1).optional().describe("The region that the ledger is in."),
  namespaceRoots: z
    .array(z.string().regex(/^[a-z0-9_-]+$/, "is one name of a-z, 0-9, '-' and '_'"))
    .min(1)
    .default(["workspace", "tenants"])
    .describe("First segments under which every directory is a tenant's root."),
  placements: z
    .record(z.string(), placement)
    .default({
      local: placement.parse({ backend: "local" }),
      versioned: placement.parse({ backend: "versioned" }),
    })
    .describe("How tenants' roots are mounted, by name."),
  defaultPlacement: z.string().default("versioned").describe("The placement of a new tenant."),
  tenantConnections: z
    .number()
    .int()
    .min(1)
    .default(50)
    .describe("Connections to all tenants' own databases together."),
  relationMemory: z
    .number()
    .int()
    .min(1)
    .default(256)
    .describe("MiB of relations that a process keeps in memory, of all tenants together."),
  mounts: z.array(mount).default([]).describe("Further storages and their places in the tree."),
  admission,
  ...plansSchema,
  trustedProxies: z
    .array(z.string())
    .default([])
    .describe("Addresses or networks whose Forwarded headers count."),
  tls: z
    .strictObject({ cert: z.string().min(1), key: z.string().min(1) })
    .optional()
    .describe("Files in PEM; with them the server speaks HTTPS."),
  shutdownGraceSeconds: z
    .number()
    .min(0)
    .default(30)
    .describe("How long running requests may take after SIGTERM."),
});

/** A configuration with every default filled in. */
export interface Config extends PlansConfig {
  readonly host: string;
  readonly port: number;
  readonly dataDir: string;
  readonly databaseUrl?: string | undefined;
  readonly region?: string | undefined;
  readonly namespaceRoots: readonly string[];
  readonly placements: Readonly<Record<string, PlacementConfig>>;
  readonly defaultPlacement: string;
  readonly tenantConnections: number;
  readonly relationMemory: number;
  readonly mounts: readonly MountConfig[];
  readonly admission: AdmissionConfig;
  readonly trustedProxies: readonly string[];
  readonly tls?: { readonly cert: string; readonly key: string } | undefined;
  readonly shutdownGraceSeconds: number;
}

export interface MechanicsConfig {
  readonly timeoutMs?: number | undefined;
  readonly retries?: number | undefined;
  readonly concurrency?: number | undefined;
}

interface StorageConfig {
  readonly options: { readonly root?: string | undefined };
  readonly durability: "strict" | "relaxed";
  readonly readOnly: boolean;
  readonly region?: string | { readonly attested: string } | undefined;
  readonly mechanics?: MechanicsConfig | undefined;
}

export interface PlacementConfig extends StorageConfig {
  readonly backend: "local" | "memory" | "versioned" | "postgres";
  readonly options: {
    readonly root?: string | undefined;
    readonly adminUrl?: string | undefined;
    readonly schema?: string | undefined;
  };
  readonly provisioning?:
    | {
        readonly sql?: string | readonly string[] | undefined;
        readonly file?: string | undefined;
      }
    | undefined;
}

export interface MountConfig extends StorageConfig {
  readonly backend: "local" | "memory";
  readonly path: string;
  readonly tenant?: string | undefined;
  readonly priority: number;
}

/** Checks a configuration. Unknown keys are errors. Throws with one line for each fault, naming its place. */
export const parseConfig = (value: unknown): Config => {
  const result = schema.safeParse(value);
  if (result.success) {
    const { $schema: _, ...config } = result.data;
    const faults = planFaults(config);
    if (faults.length > 0) throw new ConfigError(faults);
    return config;
  }
  throw new ConfigError(
    result.error.issues.map(
      (issue) =>
        `${issue.path.length === 0 ? "(top level)" : issue.path.join(".")}: ${issue.message}`,
    ),
  );
};

/** What is wrong with a configuration, one line a fault. */
export class ConfigError extends Error {
  override readonly name = "ConfigError";
  readonly faults: readonly string[];
  constructor(faults: readonly string[]) {
    super(`The configuration is not valid:\n${faults.map((fault) => `  ${fault}`).join("\n")}`);
    this.faults = faults;
  }
}

/** The JSON Schema (2020-12) of `bulkhead.yaml`, for editors. */
export const configJsonSchema = (): Record<string, unknown> =>
  z.toJSONSchema(schema, { io: "input" });
