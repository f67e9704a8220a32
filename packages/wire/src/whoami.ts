import type { EffectiveRates, Principal, Scope, WhoAmI } from "@bulkhead/contract";
import { z } from "zod";
import { type WireSubject, wireSubject } from "./keys.ts";
import { timeOrNull, timestamp } from "./time.ts";

/** Who a key is and how far it reaches. `limits` are the tenant's; null for a key of no tenant. */
export interface WireWhoAmI {
  readonly principal: {
    readonly kind: Principal["kind"];
    readonly keyId: string;
    readonly subject: WireSubject;
    readonly expiresAt: string | null;
  };
  readonly tenant: string | null;
  readonly home: string;
  readonly bounds: readonly string[];
  readonly scopes: readonly Scope[];
  readonly limits: Readonly<Record<string, number | null>> | null;
  /** Requests a minute of the tenant and of the key, and bytes a second; null for a key of no tenant. */
  readonly rateLimits: EffectiveRates | null;
}

export const wireWhoAmI: z.ZodType<WireWhoAmI> = z.object({
  principal: z.object({
    kind: z.enum(["platform", "capability", "identity"]),
    keyId: z.string(),
    subject: wireSubject,
    expiresAt: timestamp.nullable(),
  }),
  tenant: z.string().nullable(),
  home: z.string(),
  bounds: z.array(z.string()),
  scopes: z.array(z.enum(["read", "write", "share", "admin"])),
  limits: z.record(z.string(), z.number().nullable()).nullable(),
  rateLimits: z
    .object({
      tenant: z.number().nullable(),
      key: z.number().nullable(),
      bytesPerSecond: z.number().nullable(),
    })
    .nullable(),
});

export const wireWhoAmIOf = ({ principal, tenant, rateLimits }: WhoAmI): WireWhoAmI => ({
  principal: {
    kind: principal.kind,
    keyId: principal.keyId,
    subject: { type: principal.subject.type, id: principal.subject.id },
    expiresAt: timeOrNull(principal.expiresAt),
  },
  tenant: principal.tenant?.id ?? null,
  home: principal.reach.home,
  bounds: principal.reach.bounds,
  scopes: principal.scopes,
  limits: tenant?.limits ?? null,
  rateLimits: rateLimits ?? null,
});

/** `GET /health` */
export interface Health {
  readonly status: "ok";
  readonly version: string;
  readonly mode: string;
}

export const health: z.ZodType<Health> = z.object({
  status: z.literal("ok"),
  version: z.string(),
  mode: z.string(),
});

/** `GET /livez`, and `GET /readyz` of a server that is ready. */
export interface Alive {
  readonly status: "ok";
}

export const alive: z.ZodType<Alive> = z.object({ status: z.literal("ok") });
