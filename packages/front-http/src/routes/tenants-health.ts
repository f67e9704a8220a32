import { wireTenantsHealth } from "@bulkhead/wire";
import type { Route } from "../call.ts";
import { found } from "../describe.ts";

/** `/v1/health/tenants`: for the platform's key. */
export const tenantsHealthRoute: Route = {
  method: "GET",
  url: "/v1/health/tenants",
  id: "healthOfTenants",
  does: "How all tenants are, counted: `{ totalTenants, byPlan, byStatus, totalUsers, totalBytes, avgUsersPerTenant, avgBytesPerTenant, above80, failingMounts }`. Platform key.",
  answers: found(wireTenantsHealth),
  run: async ({ control, ctx }) => ({
    status: 200,
    json: wireTenantsHealth.parse(await control.health.tenants(ctx)),
  }),
};
