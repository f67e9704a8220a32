import { z } from "zod";
import { ConfigError } from "./config-error.ts";
import { faultsOf } from "./config-faults.ts";
import { address, residency, type ResidencyConfig } from "./config-regions.ts";
import {
  backend,
  type BackendConfig,
  mount,
  type MountConfig,
  placement,
  type PlacementConfig,
  postgresUrl,
} from "./config-storage.ts";
import { planFaults, type PlansConfig, plansSchema } from "./plan-settings.ts";
import { log, type LogConfig, traces, type TracesConfig } from "./config-observing.ts";
import {
  admission,
  type AdmissionConfig,
  rateLimits,
  type RateLimitsConfig,
} from "./config-sharing.ts";

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
  regions: z
    .record(z.string().min(1), address)
    .default({})
    .describe("The addresses of other regions' servers, by the regions' names."),
  residency,
  domain: z
    .string()
    .regex(/^[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?$/i, "is a name of a domain")
    .optional()
    .describe("Where a host below it names a tenant's subdomain, which has to agree with the key."),
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
  backends: z
    .record(z.string().min(1).max(255), backend)
    .default({})
    .describe("Storages for mounts that are made while the server runs, by name."),
  admission,
  ...plansSchema,
  rateLimits,
  log,
  traces,
  trustedProxies: z
    .array(z.string())
    .default([])
    .describe("Addresses or networks whose Forwarded headers count."),
  cors: z
    .strictObject({
      origins: z
        .array(
          z.string().refine((text) => URL.canParse(text) && new URL(text).origin === text, {
            message: "an origin is like https://app.example.com, without a path",
          }),
        )
        .default([])
        .describe(
          "Origins whose pages may call the server from a browser, never with credentials.",
        ),
    })
    .prefault({})
    .describe("Pages from elsewhere."),
  uploads: z
    .strictObject({
      root: z
        .string()
        .min(1)
        .optional()
        .describe("The folder that parts wait in; uploads in dataDir by default."),
      expiryHours: z
        .number()
        .positive()
        .max(720)
        .default(24)
        .describe("How long an upload waits for its next part."),
    })
    .prefault({})
    .describe("Uploads in parts. Servers that clients may meet in turn share the folder."),
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
  readonly regions: Readonly<Record<string, string>>;
  readonly residency: ResidencyConfig;
  readonly domain?: string | undefined;
  readonly namespaceRoots: readonly string[];
  readonly placements: Readonly<Record<string, PlacementConfig>>;
  readonly defaultPlacement: string;
  readonly tenantConnections: number;
  readonly relationMemory: number;
  readonly mounts: readonly MountConfig[];
  readonly backends: Readonly<Record<string, BackendConfig>>;
  readonly admission: AdmissionConfig;
  readonly rateLimits: RateLimitsConfig;
  readonly log: LogConfig;
  readonly traces?: TracesConfig | undefined;
  readonly trustedProxies: readonly string[];
  readonly cors: { readonly origins: readonly string[] };
  readonly uploads: { readonly root?: string | undefined; readonly expiryHours: number };
  readonly tls?: { readonly cert: string; readonly key: string } | undefined;
  readonly shutdownGraceSeconds: number;
}

/** Checks a configuration. Unknown keys are errors. Throws with one line for each fault, naming its place. */
export const parseConfig = (value: unknown): Config => {
  const result = schema.safeParse(value);
  if (!result.success) throw new ConfigError(faultsOf(result.error.issues, configJsonSchema()));
  const { $schema: _, ...config } = result.data;
  const faults = planFaults(config);
  if (faults.length > 0) throw new ConfigError(faults);
  return config;
};

/** The JSON Schema (2020-12) of `bulkhead.yaml`, for editors. */
export const configJsonSchema = (): Record<string, unknown> =>
  z.toJSONSchema(schema, { io: "input" });
