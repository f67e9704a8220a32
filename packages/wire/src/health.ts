import type { TenantsHealth } from "@bulkhead/contract";
import { z } from "zod";

const counts = z.record(z.string(), z.number());

/** `GET /v1/health/tenants` */
export const wireTenantsHealth: z.ZodType<TenantsHealth> = z.object({
  totalTenants: z.number(),
  byPlan: counts,
  byStatus: counts,
  totalUsers: z.number(),
  totalBytes: z.number(),
  avgUsersPerTenant: z.number(),
  avgBytesPerTenant: z.number(),
  above80: z.number(),
  failingMounts: z.number(),
});
