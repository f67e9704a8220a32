import type {
  KeyInput,
  KeyPatch,
  KeyRecord,
  MintedKey,
  Scope,
  SubjectType,
} from "@bulkhead/contract";
import { z } from "zod";
import { millisOf, timeOf, timeOrNull, timestamp } from "./time.ts";

const scope: z.ZodType<Scope> = z.enum(["read", "write", "share", "admin"]);

/** Who acts: the subject of a key. */
export interface WireSubject {
  readonly type: SubjectType;
  readonly id: string;
}

export const wireSubject: z.ZodType<WireSubject> = z.object({
  type: z.enum(["user", "agent", "service", "group"]),
  id: z.string(),
});

/** A key without its secret. */
export interface WireKey {
  readonly id: string;
  readonly tenant: string | null;
  readonly name: string;
  readonly subject: WireSubject;
  readonly workspacePrefix: string | null;
  readonly scopes: readonly Scope[];
  readonly createdAt: string;
  readonly createdBy: string;
  readonly expiresAt: string | null;
  readonly lastUsedAt: string | null;
  readonly revokedAt: string | null;
  readonly parent: string | null;
}

const keyShape = {
  id: z.string(),
  tenant: z.string().nullable(),
  name: z.string(),
  subject: wireSubject,
  workspacePrefix: z.string().nullable(),
  scopes: z.array(scope),
  createdAt: timestamp,
  createdBy: z.string(),
  expiresAt: timestamp.nullable(),
  lastUsedAt: timestamp.nullable(),
  revokedAt: timestamp.nullable(),
  parent: z.string().nullable(),
};

export const wireKey: z.ZodType<WireKey> = z.object(keyShape);

export const wireKeyOf = (key: KeyRecord): WireKey => ({
  id: key.id,
  tenant: key.tenant,
  name: key.name,
  subject: { type: key.subject.type, id: key.subject.id },
  workspacePrefix: key.workspacePrefix,
  scopes: key.scopes,
  createdAt: timeOf(key.createdAt),
  createdBy: key.createdBy,
  expiresAt: timeOrNull(key.expiresAt),
  lastUsedAt: timeOrNull(key.lastUsedAt),
  revokedAt: timeOrNull(key.revokedAt),
  parent: key.parent,
});

/** The answer to a mint or a rotation. `key` is the secret, shown once: null where the answer is `replayed`. */
export interface WireMintedKey extends WireKey {
  readonly key: string | null;
  readonly replayed?: boolean | undefined;
}

export const wireMintedKey: z.ZodType<WireMintedKey> = z.object({
  ...keyShape,
  key: z.string().nullable(),
  replayed: z.boolean().optional(),
});

export const wireMintedKeyOf = (minted: MintedKey): WireMintedKey => ({
  ...wireKeyOf(minted),
  key: minted.key,
});

/** `POST /v1/keys` */
export interface MintRequest {
  readonly tenant?: string | undefined;
  readonly name: string;
  readonly subject?:
    | { readonly type: "user" | "agent" | "service"; readonly id: string }
    | undefined;
  readonly workspacePrefix?: string | undefined;
  readonly scopes?: readonly Scope[] | undefined;
  readonly expiresAt?: string | undefined;
}

export const mintRequest: z.ZodType<MintRequest> = z.strictObject({
  tenant: z.string().optional(),
  name: z.string().min(1).max(255),
  subject: z
    .strictObject({ type: z.enum(["user", "agent", "service"]), id: z.string().min(1) })
    .optional(),
  workspacePrefix: z.string().optional(),
  scopes: z.array(scope).optional(),
  expiresAt: timestamp.optional(),
});

export const keyInputOf = ({ expiresAt, ...rest }: MintRequest): KeyInput => ({
  ...rest,
  ...(expiresAt !== undefined && { expiresAt: millisOf(expiresAt) }),
});

/** `PATCH /v1/keys/{id}`: only narrower. */
export interface NarrowRequest {
  readonly name?: string | undefined;
  readonly scopes?: readonly Scope[] | undefined;
  readonly workspacePrefix?: string | undefined;
  readonly expiresAt?: string | undefined;
}

export const narrowRequest: z.ZodType<NarrowRequest> = z.strictObject({
  name: z.string().min(1).max(255).optional(),
  scopes: z.array(scope).optional(),
  workspacePrefix: z.string().optional(),
  expiresAt: timestamp.optional(),
});

export const keyPatchOf = ({ expiresAt, ...rest }: NarrowRequest): KeyPatch => ({
  ...rest,
  ...(expiresAt !== undefined && { expiresAt: millisOf(expiresAt) }),
});

/** `POST /v1/keys/{id}/rotate`: how long the old secret stays valid; not at all by default, a week at most. */
export interface RotateRequest {
  readonly overlapSeconds?: number | undefined;
}

export const rotateRequest: z.ZodType<RotateRequest> = z.strictObject({
  overlapSeconds: z.int().min(0).max(604_800).optional(),
});
