import { emptyRequest, wireAuditEntryOf, wireJobOf, wireWhoAmIOf } from "@bulkhead/wire";
import type { Answer } from "../answer.ts";
import type { Call, Route } from "../call.ts";
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

/** What can only be looked at: oneself, jobs, the audit log. */
export const recordRoutes: readonly Route[] = [
  {
    method: "GET",
    url: "/v1/whoami",
    run: async ({ control, ctx }) => ({
      status: 200,
      json: wireWhoAmIOf(await control.whoami(ctx)),
    }),
  },
  {
    method: "GET",
    url: "/v1/jobs/:id",
    run: async ({ control, ctx, param }) => ({
      status: 200,
      json: wireJobOf(await control.jobs.get(ctx, param("id"))),
    }),
  },
  post({
    url: "/v1/jobs/:id/abort",
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
  { method: "GET", url: "/v1/audit", run: (call) => audit(call, undefined) },
  { method: "GET", url: "/v1/tenants/:id/audit", run: (call) => audit(call, call.param("id")) },
  {
    method: "GET",
    url: "/v1/audit/verify",
    run: async ({ control, ctx, query }) => ({
      status: 200,
      json: await control.audit.verify(ctx, query.text("tenant")),
    }),
  },
];
