import type { Route } from "../call.ts";
import { documentRoutes } from "./document.ts";
import { directoryRoutes } from "./directory.ts";
import { billRoutes } from "./bills.ts";
import { fileRoutes } from "./files.ts";
import { healthRoutes } from "./health.ts";
import { historyRoutes } from "./history.ts";
import { keyRoutes } from "./keys.ts";
import { modelRoutes } from "./models.ts";
import { metricsRoute } from "./metrics.ts";
import { mountRoutes } from "./mounts.ts";
import { operationRoutes } from "./operations.ts";
import { quotaRoutes } from "./quota.ts";
import { recordRoutes } from "./records.ts";
import { relationRoutes } from "./relations.ts";
import { shareRoutes } from "./shares.ts";
import { tenantsHealthRoute } from "./tenants-health.ts";
import { tenantRoutes } from "./tenants.ts";
import { uploadRoutes } from "./uploads.ts";
import { userRoutes } from "./users.ts";

/** Every route there is. */
export const routes: readonly Route[] = [
  ...fileRoutes,
  ...operationRoutes,
  ...historyRoutes,
  ...keyRoutes,
  ...tenantRoutes,
  ...quotaRoutes,
  ...mountRoutes,
  ...directoryRoutes,
  ...billRoutes,
  ...uploadRoutes,
  ...userRoutes,
  ...relationRoutes,
  ...modelRoutes,
  ...shareRoutes,
  ...recordRoutes,
  ...healthRoutes,
  tenantsHealthRoute,
  metricsRoute,
  ...documentRoutes(() => routes),
];
