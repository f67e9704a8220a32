import {
  emptyRequest,
  timestamp,
  wireAuditEntry,
  wireAuditEntryOf,
  wireAuditVerdict,
  wireJob,
  wireJobOf,
  wireWhoAmI,
  wireWhoAmIOf,
} from "@bulkhead/wire";
import { z } from "zod";
import type { Answer } from "../answer.ts";
import type { Call, Route } from "../call.ts";
import { found, pageOf, paging, type QueryParameter, tenantParameter } from "../describe.ts";
import { malformed } from "../fault.ts";
import { pageAnswer, paged } from "./paged.ts";
import { post } from "./post.ts";

const audit = async (call: Call, tenant: string | undefined): Promise<Answer> => {
  const { query } = call;
  const result = query.text("result");
  if (result !== undefined && result !== "success" && result !== "denied")
    throw malformed("The parameter 'result' is 'success' or 'denied'.");
  const list = `audit ${tenant ?? ""}`;
  const page = await call.control.audit.list(call.ctx, {
    ...paged(call, list),
    tenant: tenant ?? query.text("tenant"),
    actor: query.text("actor"),
    action: query.text("action"),
    result,
    since: query.time("since"),
    until: query.time("until"),
  });
  return pageAnswer(call, list, page, wireAuditEntryOf);
};

const auditFilters: readonly QueryParameter[] = [
  ...paging,
  { name: "actor", does: "What this subject did.", schema: z.string() },
  { name: "action", does: "This action alone.", schema: z.string() },
  {
    name: "result",
    does: "What succeeded, or what was denied.",
    schema: z.enum(["success", "denied"]),
  },
  { name: "since", does: "From this moment on.", schema: timestamp },
  { name: "until", does: "Before this moment.", schema: timestamp },
];

/** What can only be looked at: oneself, jobs, the audit log. */
export const recordRoutes: readonly Route[] = [
  {
    method: "GET",
    url: "/v1/whoami",
    id: "whoAmI",
    does: "Principal, tenant, home, bounds, scopes, limits and rate limits of the key.",
    answers: found(wireWhoAmI),
    run: async ({ control, ctx }) => ({
      status: 200,
      json: wireWhoAmIOf(await control.whoami(ctx)),
    }),
  },
  {
    method: "GET",
    url: "/v1/jobs/:id",
    id: "getJob",
    does: "State (`queued`, `running`, `done`, `dead`), attempts, progress and result of a job.",
    answers: found(wireJob),
    run: async ({ control, ctx, param }) => ({
      status: 200,
      json: wireJobOf(await control.jobs.get(ctx, param("id"))),
    }),
  },
  post({
    url: "/v1/jobs/:id/abort",
    id: "abortJob",
    does: "Gives up a tenant's move, until it has switched: what it did is taken back, and the job ends as `dead`. 202 with the job. Platform key.",
    example: {},
    answers: { 202: { does: "What it did is taken back.", json: wireJob } },
    refuses: ["conflict"],
    schema: emptyRequest,
    run: async ({ control, ctx, param }) => ({
      status: 202,
      json: wireJobOf(await control.moves.abort(ctx, param("id"))),
    }),
    again: async ({ control, ctx, param }) => ({
      status: 202,
      json: wireJobOf(await control.jobs.get(ctx, param("id"))),
    }),
  }),
  {
    method: "GET",
    url: "/v1/audit",
    id: "listAudit",
    does: "A page of the audit log, newest first. `?tenant=`, `actor`, `action`, `result=success|denied`, `since`, `until`.",
    query: [tenantParameter, ...auditFilters],
    answers: pageOf(wireAuditEntry),
    run: (call) => audit(call, undefined),
  },
  {
    method: "GET",
    url: "/v1/tenants/:id/audit",
    id: "listTenantAudit",
    does: "The same for one tenant.",
    query: auditFilters,
    answers: pageOf(wireAuditEntry),
    run: (call) => audit(call, call.param("id")),
  },
  {
    method: "GET",
    url: "/v1/audit/verify",
    id: "verifyAudit",
    does: "`{ tenant, ok, entries, hash, signed, fault }`: recomputes a chain of entries; `fault` is `{ n, to?, fault }` with the number of the entry that is `changed`, `missing`, `reordered`, or whose head has no good `signature`. `?tenant=`; a tenant's admin key verifies its own.",
    query: [tenantParameter],
    answers: found(wireAuditVerdict),
    run: async ({ control, ctx, query }) => ({
      status: 200,
      json: await control.audit.verify(ctx, query.text("tenant")),
    }),
  },
];
