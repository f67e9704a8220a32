import {
  emptyRequest,
  moveInputOf,
  provisionedTenant,
  tenantMoveRequest,
  suspendRequest,
  tenantPatch,
  tenantRequest,
  tenantStatus,
  wireJob,
  wireJobOf,
  wireTenant,
  wireTenantOf,
} from "@bulkhead/wire";
import type { TenantRecord } from "@bulkhead/contract";
import type { Answer } from "../answer.ts";
import type { Call, Route } from "../call.ts";
import { durationMs } from "../duration.ts";
import { begunJob, found, pageOf, paging, recording } from "../describe.ts";
import { z } from "zod";
import { pageAnswer, paged } from "./paged.ts";
import { post, taking } from "./post.ts";

const standing = async ({ control, ctx }: Call, id: string, status: number): Promise<Answer> => ({
  status,
  json: wireTenantOf(await control.tenants.get(ctx, id)),
});

/** A tenant that was made; one that serves only later is accepted, with the job to wait for. */
const madeAnswer = (tenant: TenantRecord): Answer => {
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
    id: "createTenant",
    does: "`{ id, name?, root?, subdomain?, region?, allowedRegions?, limits?, settings? }`. 201, or 202 `{ tenant, job }` where a database of its own has to be made first: it serves once the job is done. Platform key.",
    example: { id: "acme", name: "Acme Ltd." },
    answers: {
      201: { does: "It was made.", json: wireTenant, headers: ["Location"] },
      202: {
        does: "It serves once the job is done.",
        json: provisionedTenant,
        headers: ["Location"],
      },
    },
    refuses: recording,
    schema: tenantRequest,
    run: async ({ control, ctx }, input) => madeAnswer(await control.tenants.create(ctx, input)),
    again: async ({ control, ctx }, { id }) => madeAnswer(await control.tenants.get(ctx, id)),
  }),
  {
    method: "GET",
    url: "/v1/tenants",
    id: "listTenants",
    does: "A page of tenants. `?status=`.",
    query: [
      ...paging,
      { name: "status", does: "Tenants in this state alone.", schema: tenantStatus },
    ],
    answers: pageOf(wireTenant),
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
  {
    method: "GET",
    url: "/v1/tenants/:id",
    id: "getTenant",
    does: "One tenant.",
    answers: found(wireTenant),
    run: (call) => standing(call, call.param("id"), 200),
  },
  taking("PATCH", {
    url: "/v1/tenants/:id",
    id: "changeTenant",
    does: "`{ name?, subdomain?, limits?, settings?, rateLimits? }`. `rateLimits`: `{ tenant?, key?, bytesPerSecond? }`, requests a minute and bytes a second; a limit of null is none, `rateLimits: null` is what the configuration says. Limits, rates and subdomain: platform key.",
    example: { name: "Acme Inc.", settings: { allowPublicSharing: false } },
    answers: found(wireTenant),
    refuses: recording,
    schema: tenantPatch,
    run: async ({ control, ctx, param }, patch) => ({
      status: 200,
      json: wireTenantOf(await control.tenants.patch(ctx, param("id"), patch)),
    }),
  }),
  {
    method: "DELETE",
    url: "/v1/tenants/:id",
    id: "removeTenant",
    does: "`?confirm=<id>`, `?grace=P30D`. 202 with the job that removes everything; its result is a certificate. Platform key.",
    query: [
      { name: "confirm", does: "The tenant's id, once more.", schema: z.string() },
      {
        name: "grace",
        does: "How long its content is kept, as a duration of ISO 8601.",
        schema: z.string(),
      },
    ],
    answers: begunJob,
    refuses: ["confirmation-required", "conflict"],
    run: async ({ control, ctx, param, query }) => {
      const grace = durationMs("grace", query.text("grace") ?? "P0D");
      const { job } = await control.tenants.remove(ctx, param("id"), query.text("confirm"), grace);
      return { status: 202, headers: { Location: `/v1/jobs/${job}` }, json: { job } };
    },
  },
  post({
    url: "/v1/tenants/:id/suspend",
    id: "suspendTenant",
    does: "`{ reason? }`. Platform key.",
    example: { reason: "unpaid" },
    answers: found(wireTenant),
    refuses: ["conflict"],
    schema: suspendRequest,
    run: async ({ control, ctx, param }, { reason }) => ({
      status: 200,
      json: wireTenantOf(await control.tenants.suspend(ctx, param("id"), reason)),
    }),
    again: (call) => standing(call, call.param("id"), 200),
  }),
  post({
    url: "/v1/tenants/:id/reactivate",
    id: "reactivateTenant",
    does: "Platform key.",
    example: {},
    answers: found(wireTenant),
    refuses: ["conflict"],
    schema: emptyRequest,
    run: async ({ control, ctx, param }) => ({
      status: 200,
      json: wireTenantOf(await control.tenants.reactivate(ctx, param("id"))),
    }),
    again: (call) => standing(call, call.param("id"), 200),
  }),
  post({
    url: "/v1/tenants/:id/move",
    id: "moveTenant",
    does: '`{ placement, source? }`: brings what the tenant has to another placement, while it is served; `source` is `"keep"` (default) or `"erase"`. 202 with the job, in whose `progress` are `phase`, `blobs`, `bytes`, `ofBlobs` and `ofBytes`; 409 while one is under way. Platform key.',
    example: { placement: "versioned" },
    answers: begunJob,
    refuses: recording,
    schema: tenantMoveRequest,
    run: async ({ control, ctx, param }, input) =>
      moving((await control.moves.begin(ctx, param("id"), moveInputOf(input))).job),
    again: async ({ control, ctx, param }) =>
      moving((await control.moves.latest(ctx, param("id"))).id),
  }),
  {
    method: "GET",
    url: "/v1/tenants/:id/move",
    id: "getTenantMove",
    does: "The job of the tenant's latest move. Platform key.",
    answers: found(wireJob),
    run: async ({ control, ctx, param }) => ({
      status: 200,
      json: wireJobOf(await control.moves.latest(ctx, param("id"))),
    }),
  },
];
