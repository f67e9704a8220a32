export type { Audit, AuditFilter } from "./audit.ts";
export type { FileData } from "./data.ts";
export type { Directory } from "./directory.ts";
export type { RemoteContent } from "./download.ts";
export {
  BulkheadError,
  type BulkheadErrorInit,
  ConflictError,
  InvalidRequestError,
  NotFoundError,
  PermissionError,
  PreconditionFailedError,
  QuotaExceededError,
  RateLimitedError,
  UnauthenticatedError,
  UnavailableError,
} from "./errors.ts";
export type { Explain, ExplainOptions } from "./explain.ts";
export type { Groups, MembershipOptions } from "./groups.ts";
export type { ChangesOptions, History } from "./history.ts";
export type { Jobs, WaitOptions } from "./jobs.ts";
export type { Keys } from "./keys.ts";
export type { ModelOptions, Models } from "./models.ts";
export type { AddMountOptions, ApplyMountsOptions, Mounts } from "./mounts.ts";
export { openLink, type OpenLinkOptions } from "./open-link.ts";
export type * from "./options.ts";
export type { PostOptions } from "./post.ts";
export type { QuotaOptions, Quotas } from "./quota.ts";
export type { Residency } from "./residency.ts";
export type { RecordListOptions } from "./records.ts";
export type { Check, GrantedAs, RelationFilter, Relations } from "./relations.ts";
export { RemoteFS } from "./remote-fs.ts";
export { RemoteNexusFS } from "./remote-nexus-fs.ts";
export { RemoteStats } from "./remote-stats.ts";
export type { ShareFilter, Shares } from "./shares.ts";
export type { CreateTenantOptions, DeleteTenantOptions, Tenants } from "./tenants.ts";
export type { RetryPolicy } from "./transport.ts";
export type { UploadData } from "./upload-file.ts";
export type { UserOptions, Users } from "./users.ts";
