import type { Route } from "../call.ts";
import { directoryRoutes } from "./directory.ts";
import { billRoutes } from "./bills.ts";
import { healthRoutes } from "./health.ts";
import { historyRoutes } from "./history.ts";
import { keyRoutes } from "./keys.ts";
import { listFiles, statFile } from "./list-files.ts";
import { modelRoutes } from "./models.ts";
import { metricsRoute } from "./metrics.ts";
import { mountRoutes } from "./mounts.ts";
import { operationRoutes } from "./operations.ts";
import { quotaRoutes } from "./quota.ts";
import { readFile } from "./read-file.ts";
import { recordRoutes } from "./records.ts";
import { relationRoutes } from "./relations.ts";
import { shareRoutes } from "./shares.ts";
import { tenantsHealthRoute } from "./tenants-health.ts";
import { tenantRoutes } from "./tenants.ts";
import { userRoutes } from "./users.ts";
import { appendFile, deleteFile, writeFile } from "./write-file.ts";

/** Every route there is. Those of files stand for all that begins with them. */
export const routes: readonly Route[] = [
  { method: "GET", url: "/v1/files", run: readFile },
  { method: "PUT", url: "/v1/files", run: writeFile },
  { method: "DELETE", url: "/v1/files", run: deleteFile },
  { method: "POST", url: "/v1/append", run: appendFile },
  { method: "GET", url: "/v1/stat", run: statFile },
  { method: "GET", url: "/v1/list", run: listFiles },
  ...operationRoutes,
  ...historyRoutes,
  ...keyRoutes,
  ...tenantRoutes,
  ...quotaRoutes,
  ...mountRoutes,
  ...directoryRoutes,
  ...billRoutes,
  ...userRoutes,
  ...relationRoutes,
  ...modelRoutes,
  ...shareRoutes,
  ...recordRoutes,
  ...healthRoutes,
  tenantsHealthRoute,
  metricsRoute,
];
