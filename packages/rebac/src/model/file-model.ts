import type { FileRole } from "@bulkhead/contract";

/**
 * The built-in model that alone governs files. A file's `tenant` and `parent` come from its path and are never stored;
 * roles are inherited each on its own and combined only in `can_*`.
 */
export const fileModel: string = `model
  schema 1.1
type user
type agent
type service
type group
  relations
    define member: [user, agent, service, group#member]
type tenant
  relations
    define admin: [user, agent, service, group#member]
    define member: [user, agent, service, group#member] or admin
type file
  relations
    define tenant: [tenant]
    define parent: [file]
    define owner: [user, agent, service, group#member, tenant#member] or owner from parent
    define editor: [user, agent, service, group#member, tenant#member] or editor from parent
    define viewer: [user, agent, service, group#member, tenant#member, user:*, agent:*] or viewer from parent
    define blocked: [user, agent, service, group#member] or blocked from parent
    define can_read: ((viewer or editor or owner) but not blocked) or admin from tenant
    define can_write: ((editor or owner) but not blocked) or admin from tenant
    define can_share: (owner but not blocked) or admin from tenant
`;

/** The types of the built-in model. A tenant's own model may name them as plain subjects and not define them. */
export const reservedTypes: readonly string[] = [
  "user",
  "agent",
  "service",
  "group",
  "tenant",
  "file",
];

/** Other names under which a role of a file may be granted, as other systems spell them. */
export const roleAliases: Readonly<Record<string, FileRole>> = {
  reader: "viewer",
  can_read: "viewer",
  direct_viewer: "viewer",
  writer: "editor",
  can_write: "editor",
  direct_editor: "editor",
  direct_owner: "owner",
};
