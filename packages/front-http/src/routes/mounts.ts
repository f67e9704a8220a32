import { FileError, type MountRecord } from "@bulkhead/contract";
import {
  applyRequest,
  mountChanges,
  rotateMountRequest,
  wireMountOf,
  wireMountStateOf,
} from "@bulkhead/wire";
import type { Answer } from "../answer.ts";
import type { Call, Route } from "../call.ts";
import { pageAnswer, paged } from "./paged.ts";
import { post } from "./post.ts";

const listed = async (call: Call, tenant: string | undefined): Promise<Answer> => {
  const list = `mounts ${tenant ?? ""}`;
  const query = { ...paged(call, list), tenant: tenant ?? call.query.text("tenant") };
  return pageAnswer(call, list, await call.control.mounts.list(call.ctx, query), wireMountOf);
};

const applied = (mounts: readonly MountRecord[]): Answer => ({
  status: 200,
  json: { mounts: mounts.map(wireMountOf) },
});

const plan = async (
  { control, ctx }: Call,
  input: Parameters<Call["control"]["mounts"]["plan"]>[1],
) => ({
  status: 200,
  json: await control.mounts.plan(ctx, input),
});

/** The mounts that were made while the answer was lost. */
const found = async ({ control, ctx }: Call, paths: ReadonlySet<string>): Promise<Answer> => {
  const mounts: MountRecord[] = [];
  let after: string | undefined;
  do {
    const page = await control.mounts.list(ctx, { after });
    mounts.push(...page.items.filter(({ path, origin }) => origin === "api" && paths.has(path)));
    after = page.next;
  } while (after !== undefined);
  if (mounts.length < paths.size)
    throw new FileError("conflict", "The mounts were made, and changed since.", { retry: "never" });
  return applied(mounts);
};

/** `/v1/mounts` */
export const mountRoutes: readonly Route[] = [
  { method: "GET", url: "/v1/mounts", run: (call) => listed(call, undefined) },
  { method: "GET", url: "/v1/tenants/:id/mounts", run: (call) => listed(call, call.param("id")) },
  post({ url: "/v1/mounts/plan", schema: mountChanges, run: plan, again: plan }),
  post({
    url: "/v1/mounts/apply",
    schema: applyRequest,
    run: async ({ control, ctx }, { credentials, ...planned }) =>
      applied(await control.mounts.apply(ctx, planned, credentials)),
    again: (call, { plan: { add } }) => found(call, new Set(add.map(({ path }) => path))),
  }),
  {
    method: "GET",
    url: "/v1/mounts/:id",
    run: async ({ control, ctx, decoded }) => ({
      status: 200,
      json: wireMountStateOf(await control.mounts.get(ctx, decoded("id"))),
    }),
  },
  {
    method: "DELETE",
    url: "/v1/mounts/:id",
    run: async ({ control, ctx, decoded }) => {
      await control.mounts.remove(ctx, decoded("id"));
      return { status: 204 };
    },
  },
  post({
    url: "/v1/mounts/:id/rotate",
    schema: rotateMountRequest,
    run: async ({ control, ctx, decoded }, { credentials }) => ({
      status: 200,
      json: wireMountOf(await control.mounts.rotate(ctx, decoded("id"), credentials)),
    }),
    again: async ({ control, ctx, decoded }) => ({
      status: 200,
      json: wireMountOf(await control.mounts.get(ctx, decoded("id"))),
    }),
  }),
];
