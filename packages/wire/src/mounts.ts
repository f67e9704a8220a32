import type {
  MountChanges,
  MountCredentials,
  MountInput,
  MountPlan,
  MountRecord,
  MountRegion,
  MountState,
  PlannedMounts,
} from "@bulkhead/contract";
import { z } from "zod";
import { timeOf, timestamp } from "./time.ts";

const region: z.ZodType<MountRegion> = z.union([
  z.string().min(1).max(64),
  z.strictObject({ attested: z.string().min(1).max(64) }),
]);

/** One mount to be made. */
export const mountInput: z.ZodType<MountInput> = z.strictObject({
  path: z.string(),
  backend: z.string().min(1).max(255),
  tenant: z.string().optional(),
  readOnly: z.boolean().optional(),
  folder: z.string().min(1).max(1024).optional(),
  bucket: z.string().min(3).max(63).optional(),
  region: region.optional(),
  priority: z.int().min(-1_000_000).max(1_000_000).optional(),
  shadow: z.boolean().optional(),
});

const credentials: z.ZodType<MountCredentials> = z.record(
  z.string().max(64),
  z.string().min(1).max(4096),
);

/** The most mounts that one plan adds or removes. */
const most = 100;

/** `POST /v1/mounts/plan` */
export const mountChanges: z.ZodType<MountChanges> = z.strictObject({
  add: z.array(mountInput).max(most).optional(),
  remove: z.array(z.string()).max(most).optional(),
  credentials: z.record(z.string(), credentials).optional(),
});

/** What a plan would do. */
export const mountPlan: z.ZodType<MountPlan> = z.strictObject({
  add: z.array(mountInput).max(most),
  remove: z.array(z.string()).max(most),
  credentials: z.array(z.string()),
  shadows: z.array(
    z.strictObject({ path: z.string(), kind: z.enum(["file", "directory", "mount"]) }),
  ),
  tenants: z.array(z.string()),
  residency: z.array(
    z.strictObject({
      path: z.string(),
      content: z.string().nullable(),
      metadata: z.string().nullable(),
      attested: z.boolean(),
    }),
  ),
  refusals: z.array(
    z.strictObject({
      path: z.string(),
      code: z.enum(["conflict", "residency", "unavailable", "invalid-request"]),
      detail: z.string(),
    }),
  ),
});

/** The answer of `POST /v1/mounts/plan`. */
export const plannedMounts: z.ZodType<PlannedMounts> = z.object({
  plan: mountPlan,
  hash: z.string(),
});

/** `POST /v1/mounts/apply`: what was planned, and once more the credentials that no plan holds. */
export interface ApplyRequest extends PlannedMounts {
  readonly credentials?: MountChanges["credentials"];
}

export const applyRequest: z.ZodType<ApplyRequest> = z.strictObject({
  plan: mountPlan,
  hash: z.string(),
  credentials: z.record(z.string(), credentials).optional(),
});

/** `POST /v1/mounts/{id}/rotate` */
export interface RotateMountRequest {
  readonly credentials: MountCredentials;
}

export const rotateMountRequest: z.ZodType<RotateMountRequest> = z.strictObject({ credentials });

/** A mount as it travels. */
export interface WireMount extends Omit<MountRecord, "createdAt" | "updatedAt"> {
  readonly createdAt: string | null;
  readonly updatedAt: string | null;
}

/** A mount that was just asked, as it travels. */
export interface WireMountState extends WireMount {
  readonly state: MountState["state"];
  readonly verified: boolean;
}

const members = {
  id: z.string(),
  path: z.string(),
  origin: z.enum(["api", "config"]),
  tenant: z.string().nullable(),
  backend: z.string(),
  region: z.string().nullable(),
  attested: z.boolean(),
  readOnly: z.boolean(),
  priority: z.int(),
  credentials: z.boolean(),
  createdAt: timestamp.nullable(),
  createdBy: z.string().nullable(),
  updatedAt: timestamp.nullable(),
};

export const wireMount: z.ZodType<WireMount> = z.object(members);

export const wireMountState: z.ZodType<WireMountState> = z.object({
  ...members,
  state: z.enum(["serving", "unavailable"]),
  verified: z.boolean(),
});

/** The answer of `POST /v1/mounts/apply`: the mounts that were made. */
export interface AppliedMounts {
  readonly mounts: readonly WireMount[];
}

export const appliedMounts: z.ZodType<AppliedMounts> = z.object({ mounts: z.array(wireMount) });

/** Renders a mount, field by field. */
export const wireMountOf = (mount: MountRecord): WireMount => ({
  id: mount.id,
  path: mount.path,
  origin: mount.origin,
  tenant: mount.tenant,
  backend: mount.backend,
  region: mount.region,
  attested: mount.attested,
  readOnly: mount.readOnly,
  priority: mount.priority,
  credentials: mount.credentials,
  createdAt: mount.createdAt === null ? null : timeOf(mount.createdAt),
  createdBy: mount.createdBy,
  updatedAt: mount.updatedAt === null ? null : timeOf(mount.updatedAt),
});

export const wireMountStateOf = (mount: MountState): WireMountState => ({
  ...wireMountOf(mount),
  state: mount.state,
  verified: mount.verified,
});
