import {
  type GroupRecord,
  type UserInput,
  type UserPatch,
  type UserRecord,
  type UserRole,
  userRoles,
} from "@bulkhead/contract";
import { z } from "zod";
import { timeOf, timestamp } from "./time.ts";

/** Somebody of a tenant who can be given relations and keys. */
export interface WireUser {
  readonly tenant: string;
  readonly type: UserRecord["type"];
  readonly id: string;
  readonly email: string | null;
  readonly fullName: string | null;
  readonly role: UserRole;
  readonly status: UserRecord["status"];
  readonly createdAt: string;
  readonly updatedAt: string;
}

/** What a user can be: a person, an agent or a service. */
export const userType: z.ZodType<UserRecord["type"]> = z.enum(["user", "agent", "service"]);
const role: z.ZodType<UserRole> = z.enum(userRoles);
const status: z.ZodType<UserRecord["status"]> = z.enum(["active", "suspended"]);

export const wireUser: z.ZodType<WireUser> = z.object({
  tenant: z.string(),
  type: userType,
  id: z.string(),
  email: z.string().nullable(),
  fullName: z.string().nullable(),
  role,
  status,
  createdAt: timestamp,
  updatedAt: timestamp,
});

export const wireUserOf = (user: UserRecord): WireUser => ({
  tenant: user.tenant,
  type: user.type,
  id: user.id,
  email: user.email,
  fullName: user.fullName,
  role: user.role,
  status: user.status,
  createdAt: timeOf(user.createdAt),
  updatedAt: timeOf(user.updatedAt),
});

const email = z.string().min(3).max(254);
const fullName = z.string().min(1).max(255);

/** `POST /v1/tenants/{id}/users` */
export const userRequest: z.ZodType<UserInput> = z.strictObject({
  id: z.string().min(1),
  type: userType.optional(),
  email: email.optional(),
  fullName: fullName.optional(),
  role: role.optional(),
});

/** `PATCH /v1/tenants/{id}/users/{user}` */
export const userPatch: z.ZodType<UserPatch> = z.strictObject({
  email: email.nullable().optional(),
  fullName: fullName.nullable().optional(),
  role: role.optional(),
  status: status.optional(),
});

/** A group of a tenant; who is in it are relations `member` on `group:<id>`. */
export interface WireGroup {
  readonly tenant: string;
  readonly id: string;
  readonly createdAt: string;
}

export const wireGroup: z.ZodType<WireGroup> = z.object({
  tenant: z.string(),
  id: z.string(),
  createdAt: timestamp,
});

export const wireGroupOf = (group: GroupRecord): WireGroup => ({
  tenant: group.tenant,
  id: group.id,
  createdAt: timeOf(group.createdAt),
});

/** `POST /v1/tenants/{id}/groups` */
export interface GroupRequest {
  readonly id: string;
}

export const groupRequest: z.ZodType<GroupRequest> = z.strictObject({ id: z.string().min(1) });
