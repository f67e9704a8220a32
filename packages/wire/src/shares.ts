import type { ShareInput, ShareRecord } from "@bulkhead/contract";
import { z } from "zod";
import { millisOf, timeOf, timeOrNull, timestamp } from "./time.ts";

/** A file or directory that another tenant, a subject or whoever holds a link may use. */
export interface WireShare {
  readonly id: string;
  readonly sourceTenant: string;
  readonly targetTenant: string | null;
  readonly subject: string | null;
  readonly path: string;
  /** Where the target tenant finds it. */
  readonly target: string | null;
  readonly permission: ShareRecord["permission"];
  readonly createdAt: string;
  readonly createdBy: string;
  readonly expiresAt: string | null;
  readonly maxUses: number | null;
  readonly uses: number;
  readonly status: ShareRecord["status"];
  /** Path and query of a link, from the server's own address on; only in the answer that made it, null where that is `replayed`. */
  readonly url?: string | null | undefined;
  readonly replayed?: boolean | undefined;
}

const permission: z.ZodType<ShareRecord["permission"]> = z.enum(["can_read", "can_write"]);

/** What a share can be in. */
export const shareStatus: z.ZodType<ShareRecord["status"]> = z.enum([
  "active",
  "expired",
  "revoked",
]);

export const wireShare: z.ZodType<WireShare> = z.object({
  id: z.string(),
  sourceTenant: z.string(),
  targetTenant: z.string().nullable(),
  subject: z.string().nullable(),
  path: z.string(),
  target: z.string().nullable(),
  permission,
  createdAt: timestamp,
  createdBy: z.string(),
  expiresAt: timestamp.nullable(),
  maxUses: z.int().nullable(),
  uses: z.int(),
  status: shareStatus,
  url: z.string().nullable().optional(),
  replayed: z.boolean().optional(),
});

export const wireShareOf = (share: ShareRecord): WireShare => ({
  id: share.id,
  sourceTenant: share.sourceTenant,
  targetTenant: share.targetTenant,
  subject: share.subject,
  path: share.path,
  target: share.target,
  permission: share.permission,
  createdAt: timeOf(share.createdAt),
  createdBy: share.createdBy,
  expiresAt: timeOrNull(share.expiresAt),
  maxUses: share.maxUses,
  uses: share.uses,
  status: share.status,
  ...(share.url !== undefined && { url: share.url }),
});

/** `POST /v1/shares`: with one tenant, one subject, or by a link. */
export interface ShareRequest {
  readonly path: string;
  readonly tenant?: string | undefined;
  readonly subject?: string | undefined;
  readonly link?: true | undefined;
  readonly permission?: ShareRecord["permission"] | undefined;
  readonly expiresAt?: string | undefined;
  /** Counted from the server's clock, instead of `expiresAt`. */
  readonly expiresInDays?: number | undefined;
  readonly maxUses?: number | undefined;
  readonly password?: string | undefined;
}

export const shareRequest: z.ZodType<ShareRequest> = z
  .strictObject({
    path: z.string(),
    tenant: z.string().optional(),
    subject: z.string().min(1).max(2048).optional(),
    link: z.literal(true).optional(),
    permission: permission.optional(),
    expiresAt: timestamp.optional(),
    expiresInDays: z.number().positive().max(36_500).optional(),
    maxUses: z.int().min(1).max(1_000_000_000).optional(),
    password: z.string().min(1).max(256).optional(),
  })
  .refine(
    ({ tenant, subject, link }) =>
      [tenant, subject, link].filter((target) => target !== undefined).length === 1,
    { error: "names one of 'tenant', 'subject' and 'link'" },
  )
  .refine(
    ({ expiresAt, expiresInDays }) => expiresAt === undefined || expiresInDays === undefined,
    { error: "names 'expiresAt' or 'expiresInDays', not both" },
  )
  .refine(
    ({ link, maxUses, password }) =>
      link === true || (maxUses === undefined && password === undefined),
    { error: "has 'maxUses' and 'password' with 'link' only" },
  );

const dayMs = 86_400_000;

/** Reads a request; `now` is where `expiresInDays` counts from, in milliseconds since the epoch. */
export const shareInputOf = (
  { expiresAt, expiresInDays, ...rest }: ShareRequest,
  now: number,
): ShareInput => ({
  ...rest,
  ...(expiresAt !== undefined && { expiresAt: millisOf(expiresAt) }),
  ...(expiresInDays !== undefined && { expiresAt: now + Math.round(expiresInDays * dayMs) }),
});
