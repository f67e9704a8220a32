import type { Context, Control } from "@bulkhead/contract";
import {
  amountRequest,
  emptyRequest,
  quotaRequest,
  upgradeRequest,
  wireTenantOf,
} from "@bulkhead/wire";
import type { Answer } from "../answer.ts";
import type { Call, Route } from "../call.ts";
import { jsonBytes, parseJson } from "../json-body.ts";
import { post } from "./post.ts";
import { asksOverTime, usageOverTime } from "./usage.ts";

type Change = "increment" | "decrement";

const counter = (verb: Change): Route =>
  post({
    url: `/v1/tenants/:id/quota/:resource/${verb}`,
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
    run: async (call) => {
      if (asksOverTime(call)) return usageOverTime(call);
      const { control, ctx, param } = call;
      return { status: 200, json: await control.quota.usage(ctx, param("id")) };
    },
  },
  {
    method: "GET",
    url: "/v1/tenants/:id/quota",
    run: async ({ control, ctx, param }) => ({
      status: 200,
      json: await control.quota.get(ctx, param("id")),
    }),
  },
  {
    method: "PUT",
    url: "/v1/tenants/:id/quota",
    run: async (call) => ({
      status: 200,
      json: await call.control.quota.set(
        call.ctx,
        call.param("id"),
        parseJson(await jsonBytes(call.upload()), quotaRequest),
      ),
    }),
  },
  post({
    url: "/v1/tenants/:id/quota/:resource/check",
    schema: amountRequest,
    run: check,
    again: check,
  }),
  post({
    url: "/v1/tenants/:id/quota/audit",
    schema: emptyRequest,
    run: auditing,
    again: auditing,
  }),
  counter("increment"),
  counter("decrement"),
  post({
    url: "/v1/tenants/:id/upgrade",
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
