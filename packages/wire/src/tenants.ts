import type {
  MoveInput,
  RateLimits,
  TenantInput,
  TenantPatch,
  TenantRecord,
  TenantStatus,
} from "@bulkhead/contract";
import { z } from "zod";
import { timeOf, timeOrNull, timestamp } from "./time.ts";

type Limits = Readonly<Record<string, number | null>>;
type Settings = Readonly<Record<string, unknown>>;

/** A tenant; `limits` that are null are unlimited. */
export interface WireTenant {
  readonly id: string;
  readonly name: string;
  readonly status: TenantStatus;
  readonly plan: string | null;
  readonly roots: readonly string[];
  readonly subdomain: string | null;
  readonly region: string | null;
  readonly allowedRegions: readonly string[] | null;
  readonly limits: Limits;
  /** What is its own of the limits of rates; `null` is unlimited, for what is not named the configuration's hold. */
  readonly rateLimits: RateLimits;
  readonly features: readonly string[];
  readonly settings: Settings;
  readonly billingCycle: "monthly" | "annual";
  readonly mrrMinor: number;
  readonly createdAt: string;
  readonly updatedAt: string;
  readonly trialEndsAt: string | null;
  readonly suspendedAt: string | null;
  readonly suspensionReason: string | null;
  readonly reactivatedAt: string | null;
  readonly upgradedAt: string | null;
  readonly deletedAt: string | null;
  /** The tenant's own database, where its placement gives it one. */
  readonly databaseName: string | null;
}

const limits: z.ZodType<Limits> = z.record(z.string(), z.int().min(0).nullable());
const settings: z.ZodType<Settings> = z.record(z.string(), z.unknown());

const rate = z.int().min(1).nullable().optional();
const rateLimits: z.ZodType<RateLimits> = z.strictObject({
  tenant: rate,
  key: rate,
  bytesPerSecond: rate,
});

/** What a tenant can be in. */
export const tenantStatus: z.ZodType<TenantStatus> = z.enum([
  "provisioning",
  "trial",
  "active",
  "suspended",
  "cancelled",
  "deleting",
  "deleted",
]);

export const wireTenant: z.ZodType<WireTenant> = z.object({
  id: z.string(),
  name: z.string(),
  status: tenantStatus,
  plan: z.string().nullable(),
  roots: z.array(z.string()),
  subdomain: z.string().nullable(),
  region: z.string().nullable(),
  allowedRegions: z.array(z.string()).nullable(),
  limits,
  rateLimits,
  features: z.array(z.string()),
  settings,
  billingCycle: z.enum(["monthly", "annual"]),
  mrrMinor: z.int(),
  createdAt: timestamp,
  updatedAt: timestamp,
  trialEndsAt: timestamp.nullable(),
  suspendedAt: timestamp.nullable(),
  suspensionReason: z.string().nullable(),
  reactivatedAt: timestamp.nullable(),
  upgradedAt: timestamp.nullable(),
  deletedAt: timestamp.nullable(),
  databaseName: z.string().nullable(),
});

/** A tenant that serves once a job has made its database: `POST /v1/tenants` with status 202. */
export interface ProvisionedTenant {
  readonly tenant: WireTenant;
  readonly job: string;
}

export const provisionedTenant: z.ZodType<ProvisionedTenant> = z.object({
  tenant: wireTenant,
  job: z.string(),
});

/** The answer of `POST /v1/tenants`, whichever it is. */
export const createdTenant: z.ZodType<WireTenant | ProvisionedTenant> = z.union([
  provisionedTenant,
  wireTenant,
]);

/** Renders a tenant; its uid stays inside. */
export const wireTenantOf = (tenant: TenantRecord): WireTenant => ({
  id: tenant.id,
  name: tenant.name,
  status: tenant.status,
  plan: tenant.plan,
  roots: tenant.roots,
  subdomain: tenant.subdomain,
  region: tenant.region,
  allowedRegions: tenant.allowedRegions,
  limits: tenant.limits,
  rateLimits: tenant.rateLimits ?? {},
  features: tenant.features,
  settings: tenant.settings,
  billingCycle: tenant.billingCycle,
  mrrMinor: tenant.mrrMinor,
  createdAt: timeOf(tenant.createdAt),
  updatedAt: timeOf(tenant.updatedAt),
  trialEndsAt: timeOrNull(tenant.trialEndsAt),
  suspendedAt: timeOrNull(tenant.suspendedAt),
  suspensionReason: tenant.suspensionReason,
  reactivatedAt: timeOrNull(tenant.reactivatedAt),
  upgradedAt: timeOrNull(tenant.upgradedAt),
  deletedAt: timeOrNull(tenant.deletedAt),
  databaseName: tenant.databaseName ?? null,
});

/** `POST /v1/tenants` */
export const tenantRequest: z.ZodType<TenantInput> = z.strictObject({
  id: z.string(),
  name: z.string().min(1).max(255).optional(),
  plan: z.string().optional(),
  trialDays: z.number().positive().optional(),
  root: z.string().optional(),
  subdomain: z.string().optional(),
  region: z.string().min(1).max(64).optional(),
  allowedRegions: z.array(z.string().min(1).max(64)).optional(),
  limits: limits.optional(),
  settings: settings.optional(),
});

/** `PATCH /v1/tenants/{id}` */
export const tenantPatch: z.ZodType<TenantPatch> = z.strictObject({
  name: z.string().min(1).max(255).optional(),
  subdomain: z.string().nullable().optional(),
  limits: limits.optional(),
  settings: settings.optional(),
  rateLimits: rateLimits.nullable().optional(),
});

/** `POST /v1/tenants/{id}/suspend` */
export interface SuspendRequest {
  readonly reason?: string | undefined;
}

export const suspendRequest: z.ZodType<SuspendRequest> = z.strictObject({
  reason: z.string().max(1000).optional(),
});

/** A body that says nothing, where one is allowed at all. */
export const emptyRequest: z.ZodType<Record<string, never>> = z.strictObject({});

/** `POST /v1/tenants/{id}/move` */
export interface TenantMoveRequest {
  readonly placement: string;
  /** What becomes of the content where it was; it is kept by default. */
  readonly source?: "keep" | "erase" | undefined;
}

export const tenantMoveRequest: z.ZodType<TenantMoveRequest> = z.strictObject({
  placement: z.string().min(1).max(255),
  source: z.enum(["keep", "erase"]).optional(),
});

/** What the server takes of such a request. */
export const moveInputOf = ({ placement, source }: TenantMoveRequest): MoveInput => ({
  placement,
  keep: source !== "erase",
});
