import * as wire from "@bulkhead/wire";
import type { z } from "zod";

interface Component {
  readonly schema: z.ZodType;
  /** A value that the schema accepts. */
  readonly example?: unknown;
}

const at = "2026-11-21T12:00:00.000Z";

const stat = {
  path: "/data/report.txt",
  name: "report.txt",
  kind: "file",
  size: 6,
  etag: "b1946ac92492d234",
  contentType: "text/plain",
  createdAt: at,
  modifiedAt: at,
  version: "42",
  metadata: { owner: "Alice" },
};

const key = {
  id: "k3mZ0qT8vLw1xYcP",
  tenant: "acme",
  name: "ci",
  subject: { type: "service", id: "ci" },
  workspacePrefix: "/workspace/acme",
  scopes: ["read", "write"],
  createdAt: at,
  createdBy: "platform",
  expiresAt: null,
  lastUsedAt: null,
  revokedAt: null,
  parent: null,
};

const tenant = {
  id: "acme",
  name: "Acme Ltd.",
  status: "active",
  plan: null,
  roots: ["/workspace/acme"],
  subdomain: null,
  region: null,
  allowedRegions: null,
  limits: { bytes: 1_073_741_824 },
  rateLimits: {},
  features: [],
  settings: {},
  billingCycle: "monthly",
  mrrMinor: 0,
  createdAt: at,
  updatedAt: at,
  trialEndsAt: null,
  suspendedAt: null,
  suspensionReason: null,
  reactivatedAt: null,
  upgradedAt: null,
  deletedAt: null,
  databaseName: null,
};

const relation = {
  id: "r7",
  tenant: "acme",
  subject: "user:alice",
  subjectTenant: null,
  relation: "editor",
  object: "file:/workspace/acme/shared",
  model: null,
  createdAt: at,
  createdBy: "platform",
  expiresAt: null,
  condition: null,
};

/** The schemas that have names of their own in the document: what is used in several places, or is worth a name. */
export const components: Readonly<Record<string, Component>> = {
  AcceptedJob: { schema: wire.acceptedJob, example: { job: "42" } },
  AuditEntry: { schema: wire.wireAuditEntry },
  AuditVerdict: { schema: wire.wireAuditVerdict },
  Bill: { schema: wire.wireBill },
  Change: { schema: wire.wireChange },
  Check: { schema: wire.checkRequest },
  CheckAnswer: { schema: wire.checkAnswer, example: { allowed: true, revision: "18" } },
  DirectoryEntry: { schema: wire.wireDirectoryEntry },
  ExpandNode: { schema: wire.expandNode },
  Explanation: { schema: wire.wireExplanation },
  FileStat: { schema: wire.fileStat, example: stat },
  Grant: { schema: wire.wireGrant, example: { ...relation, revision: "18" } },
  Group: { schema: wire.wireGroup },
  Job: { schema: wire.wireJob },
  Key: { schema: wire.wireKey, example: key },
  ListPage: { schema: wire.listPage, example: { entries: [stat], next: null } },
  MintedKey: { schema: wire.wireMintedKey, example: { ...key, key: "bhk_…" } },
  Model: { schema: wire.wireModel },
  Mount: { schema: wire.wireMount },
  MountInput: { schema: wire.mountInput },
  MountPlan: { schema: wire.mountPlan },
  MountState: { schema: wire.wireMountState },
  Problem: {
    schema: wire.problemSchema,
    example: {
      type: "urn:bulkhead:problem:not-found",
      title: "Not found",
      status: 404,
      detail: "There is no such file or directory.",
      code: "not-found",
      requestId: "8b0e3c5a-42",
      retryable: false,
    },
  },
  QuotaAnswer: {
    schema: wire.quotaAnswer,
    example: { allowed: true, current: 3, limit: 10, remaining: 7 },
  },
  QuotaEntries: {
    schema: wire.quotaEntries,
    example: { bytes: { limit: 1_073_741_824, used: 4096 }, files: { limit: null, used: 1 } },
  },
  Relation: { schema: wire.wireRelation, example: relation },
  ResidencyItem: { schema: wire.residencyItem },
  Share: { schema: wire.wireShare },
  Subject: { schema: wire.wireSubject },
  Tenant: { schema: wire.wireTenant, example: tenant },
  TenantsHealth: { schema: wire.wireTenantsHealth },
  Timestamp: { schema: wire.timestamp, example: at },
  UpgradePreview: { schema: wire.upgradePreview },
  UsageHistory: { schema: wire.wireUsageHistory },
  UsageReport: { schema: wire.usageReport },
  User: { schema: wire.wireUser },
  Version: { schema: wire.wireVersion },
  WhoAmI: { schema: wire.wireWhoAmI },
};
