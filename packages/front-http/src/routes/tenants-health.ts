import { wireTenantsHealth } from "@bulkhead/wire";
import type { Route } from "../call.ts";

/** `/v1/health/tenants`: for the platform's key. */
export const tenantsHealthRoute: Route = {
  method: "GET",
  url: "/v1/health/tenants",
  run: async ({ control, ctx }) => ({
    status: 200,
    json: wireTenantsHealth.parse(await control.health.tenants(ctx)),
  }),
};
