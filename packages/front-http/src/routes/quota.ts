import { type Context, type Control, usageSteps } from "@bulkhead/contract";
import {
  amountRequest,
  emptyRequest,
  quotaAnswer,
  quotaEntries,
  quotaRequest,
  timestamp,
  upgradePreview,
  upgradeRequest,
  usageReport,
  wireTenant,
  wireTenantOf,
  wireUsageHistory,
} from "@bulkhead/wire";
import type { Answer } from "../answer.ts";
import type { Call, Route } from "../call.ts";
import { begunJob, formatParameter, found, recording } from "../describe.ts";
import { z } from "zod";
import { post, taking } from "./post.ts";
import { asksOverTime, usageOverTime } from "./usage.ts";

type Change = "increment" | "decrement";

const counter = (verb: Change, does: string): Route =>
  post({
    url: `/v1/tenants/:id/quota/:resource/${verb}`,
    id: `${verb}Quota`,
    does,
    example: { amount: 1 },
    answers: found(quotaAnswer),
    refuses: ["conflict"],
    schema: amountRequest,
    run: async ({ control, ctx, param, decoded }, { amount }) => ({
      status: 200,
      json: await control.quota[verb](ctx, param("id"), decoded("resource"), amount),
    }),
    again: ({ control, ctx, param, decoded }) =>
      counted(control, ctx, param("id"), decoded("resource")),
  });

/** A change whose answer was lost: it was made, and there is now so much. */
const counted = async (
  control: Control,
  ctx: Context,
  tenant: string,
  resource: string,
): Promise<Answer> => {
  const { limit, used } = (await control.quota.get(ctx, tenant))[resource] ?? {
    limit: null,
    used: 0,
  };
  const remaining = limit === null ? null : Math.max(0, limit - used);
  return { status: 200, json: { allowed: true, current: used, limit, remaining } };
};

const check = async (
  { control, ctx, param, decoded }: Call,
  { amount }: { readonly amount: number },
): Promise<Answer> => ({
  status: 200,
  json: await control.quota.check(ctx, param("id"), decoded("resource"), amount),
});

const auditing = async ({ control, ctx, param }: Call): Promise<Answer> => {
  const { job } = await control.quota.audit(ctx, param("id"));
  return { status: 202, headers: { Location: `/v1/jobs/${job}` }, json: { job } };
};

/** `/v1/tenants/{id}/quota`, `/usage` and `/upgrade` */
export const quotaRoutes: readonly Route[] = [
  {
    method: "GET",
    url: "/v1/tenants/:id/usage",
    id: "getUsage",
    does: "`{ plan, usage, limits, utilization, warnings }`: what a tenant uses of what it may, in percent, and a sentence for each resource above 80 %. With `?by=hour|day|month`, `from` or `to` (the last 24 hours by default): `{ tenant, from, to, by, spans }`, each span with `requests`, `reads`, `lookups`, `searches`, `writes`, `bytesIn`, `bytesOut`, `byteHours`, `users`.",
    query: [
      { name: "by", does: "In steps of so long.", schema: z.enum(usageSteps) },
      { name: "from", does: "The first moment.", schema: timestamp },
      { name: "to", does: "The first moment that does not count any more.", schema: timestamp },
      formatParameter,
    ],
    answers: {
      200: {
        does: "What is used now, or was used over time.",
        json: z.union([usageReport, wireUsageHistory]),
        types: ["text/csv"],
        headers: ["Content-Disposition"],
      },
    },
    run: async (call) => {
      if (asksOverTime(call)) return usageOverTime(call);
      const { control, ctx, param } = call;
      return { status: 200, json: await control.quota.usage(ctx, param("id")) };
    },
  },
  {
    method: "GET",
    url: "/v1/tenants/:id/quota",
    id: "getQuota",
    does: "`{ resource: { limit, soft?, used } }`; a limit of null is none.",
    answers: found(quotaEntries),
    run: async ({ control, ctx, param }) => ({
      status: 200,
      json: await control.quota.get(ctx, param("id")),
    }),
  },
  taking("PUT", {
    url: "/v1/tenants/:id/quota",
    id: "setQuota",
    does: '`{ resource: limit | null | "plan" | { limit?, soft? } }`: changes the limits that are named, for the next request. The platform key alone.',
    example: { bytes: 1_073_741_824, files: { limit: 1000, soft: 800 } },
    answers: found(quotaEntries),
    refuses: ["conflict"],
    schema: quotaRequest,
    run: async ({ control, ctx, param }, input) => ({
      status: 200,
      json: await control.quota.set(ctx, param("id"), input),
    }),
  }),
  post({
    url: "/v1/tenants/:id/quota/:resource/check",
    id: "checkQuota",
    does: "`{ amount = 1 }` → `{ allowed, reason?, current, limit, remaining }`. Changes nothing.",
    example: { amount: 1 },
    answers: found(quotaAnswer),
    schema: amountRequest,
    run: check,
    again: check,
  }),
  post({
    url: "/v1/tenants/:id/quota/audit",
    id: "auditQuota",
    does: "202 `{ job }`: counts what is really there, on every storage. The job's result is `{ tenant, counted, found, drift, storages }`. The platform key alone.",
    example: {},
    answers: begunJob,
    refuses: ["conflict"],
    schema: emptyRequest,
    run: auditing,
    again: auditing,
  }),
  counter(
    "increment",
    "Adds to a counter of a name of your own, unless that were more than its limit: then `allowed` is false. The platform key alone.",
  ),
  counter(
    "decrement",
    "Takes from a counter. 409 where that were less than nothing. The platform key alone.",
  ),
  post({
    url: "/v1/tenants/:id/upgrade",
    id: "upgradeTenant",
    does: "`{ plan, preview? }`: puts a tenant on a plan, up or down, and ends a trial, never a suspension. With `preview` says what would change. The platform key alone.",
    example: { plan: "pro", preview: true },
    answers: found(
      z.union([upgradePreview, wireTenant]),
      "The tenant on its plan, or what would change.",
    ),
    refuses: recording,
    schema: upgradeRequest,
    run: async ({ control, ctx, param }, input) => {
      const answer = await control.plans.upgrade(ctx, param("id"), input);
      return { status: 200, json: "preview" in answer ? answer : wireTenantOf(answer) };
    },
    again: async ({ control, ctx, param }) => ({
      status: 200,
      json: wireTenantOf(await control.tenants.get(ctx, param("id"))),
    }),
  }),
];
