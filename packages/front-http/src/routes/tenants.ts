import {
  emptyRequest,
  moveInputOf,
  tenantMoveRequest,
  suspendRequest,
  tenantPatch,
  tenantRequest,
  wireJobOf,
  wireTenantOf,
} from "@bulkhead/wire";
import type { TenantRecord } from "@bulkhead/contract";
import type { Answer } from "../answer.ts";
import type { Call, Route } from "../call.ts";
import { durationMs } from "../duration.ts";
import { jsonBytes, parseJson } from "../json-body.ts";
import { pageAnswer, paged } from "./paged.ts";
import { post } from "./post.ts";

const standing = async ({ control, ctx }: Call, id: string, status: number): Promise<Answer> => ({
  status,
  json: wireTenantOf(await control.tenants.get(ctx, id)),
});

/** A tenant that was made; one that serves only later is accepted, with the job to wait for. */
const made = (tenant: TenantRecord): Answer => {
  const json = wireTenantOf(tenant);
  const { provisioning: job } = tenant;
  return typeof job === "string"
    ? { status: 202, headers: { Location: `/v1/jobs/${job}` }, json: { tenant: json, job } }
    : { status: 201, headers: { Location: `/v1/tenants/${tenant.id}` }, json };
};

const moving = (job: string): Answer => ({
  status: 202,
  headers: { Location: `/v1/jobs/${job}` },
  json: { job },
});

/** `/v1/tenants` */
export const tenantRoutes: readonly Route[] = [
  post({
    url: "/v1/tenants",
    schema: tenantRequest,
    run: async ({ control, ctx }, input) => made(await control.tenants.create(ctx, input)),
    again: async ({ control, ctx }, { id }) => made(await control.tenants.get(ctx, id)),
  }),
  {
    method: "GET",
    url: "/v1/tenants",
    run: async (call) => {
      const query = { ...paged(call, "tenants"), status: call.query.text("status") };
      return pageAnswer(
        call,
        "tenants",
        await call.control.tenants.list(call.ctx, query),
        wireTenantOf,
      );
    },
  },
  { method: "GET", url: "/v1/tenants/:id", run: (call) => standing(call, call.param("id"), 200) },
  {
    method: "PATCH",
    url: "/v1/tenants/:id",
    run: async (call) => {
      const patch = parseJson(await jsonBytes(call.upload()), tenantPatch);
      return {
        status: 200,
        json: wireTenantOf(await call.control.tenants.patch(call.ctx, call.param("id"), patch)),
      };
    },
  },
  {
    method: "DELETE",
    url: "/v1/tenants/:id",
    run: async ({ control, ctx, param, query }) => {
      const grace = durationMs("grace", query.text("grace") ?? "P0D");
      const { job } = await control.tenants.remove(ctx, param("id"), query.text("confirm"), grace);
      return { status: 202, headers: { Location: `/v1/jobs/${job}` }, json: { job } };
    },
  },
  post({
    url: "/v1/tenants/:id/suspend",
    schema: suspendRequest,
    run: async ({ control, ctx, param }, { reason }) => ({
      status: 200,
      json: wireTenantOf(await control.tenants.suspend(ctx, param("id"), reason)),
    }),
    again: (call) => standing(call, call.param("id"), 200),
  }),
  post({
    url: "/v1/tenants/:id/reactivate",
    schema: emptyRequest,
    run: async ({ control, ctx, param }) => ({
      status: 200,
      json: wireTenantOf(await control.tenants.reactivate(ctx, param("id"))),
    }),
    again: (call) => standing(call, call.param("id"), 200),
  }),
  post({
    url: "/v1/tenants/:id/move",
    schema: tenantMoveRequest,
    run: async ({ control, ctx, param }, input) =>
      moving((await control.moves.begin(ctx, param("id"), moveInputOf(input))).job),
    again: async ({ control, ctx, param }) =>
      moving((await control.moves.latest(ctx, param("id"))).id),
  }),
  {
    method: "GET",
    url: "/v1/tenants/:id/move",
    run: async ({ control, ctx, param }) => ({
      status: 200,
      json: wireJobOf(await control.moves.latest(ctx, param("id"))),
    }),
  },
];
