import { FileError, type MountRecord } from "@bulkhead/contract";
import {
  appliedMounts,
  applyRequest,
  mountChanges,
  plannedMounts,
  rotateMountRequest,
  wireMount,
  wireMountOf,
  wireMountState,
  wireMountStateOf,
} from "@bulkhead/wire";
import type { Answer } from "../answer.ts";
import type { Call, Route } from "../call.ts";
import { done, found, pageOf, paging, recording, tenantParameter } from "../describe.ts";
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
const findMounts = async ({ control, ctx }: Call, paths: ReadonlySet<string>): Promise<Answer> => {
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
  {
    method: "GET",
    url: "/v1/mounts",
    id: "listMounts",
    does: "A page of mounts, tenants' roots excepted and without credentials. `?tenant=`. The platform key sees all, a tenant's admin those on its ground.",
    query: [...paging, tenantParameter],
    answers: pageOf(wireMount),
    run: (call) => listed(call, undefined),
  },
  {
    method: "GET",
    url: "/v1/tenants/:id/mounts",
    id: "listTenantMounts",
    does: "The same for one tenant.",
    query: paging,
    answers: pageOf(wireMount),
    run: (call) => listed(call, call.param("id")),
  },
  post({
    url: "/v1/mounts/plan",
    id: "planMounts",
    does: "`{ add?: [{ path, backend, tenant?, readOnly?, folder?, bucket?, region?, priority?, shadow? }], remove?: [id…], credentials?: { path: { … } } }` → `{ plan, hash }`: what would be hidden, whose files are touched, where content would be, and what refuses it. Does nothing.",
    example: { add: [{ path: "/workspace/acme/archive", backend: "archive", readOnly: true }] },
    answers: found(plannedMounts),
    refuses: recording,
    schema: mountChanges,
    run: plan,
    again: plan,
  }),
  post({
    url: "/v1/mounts/apply",
    id: "applyMounts",
    does: "`{ plan, hash, credentials? }`. 200 `{ mounts }`; 409 `conflict` with `effects` where it would do something else by now, or is refused; 403 `residency`.",
    example: {
      plan: {
        add: [{ path: "/workspace/acme/archive", backend: "archive" }],
        remove: [],
        credentials: [],
        shadows: [],
        tenants: ["acme"],
        residency: [],
        refusals: [],
      },
      hash: "sha256:0f1e",
    },
    answers: found(appliedMounts, "The mounts that were made."),
    refuses: recording,
    schema: applyRequest,
    run: async ({ control, ctx }, { credentials, ...planned }) =>
      applied(await control.mounts.apply(ctx, planned, credentials)),
    again: (call, { plan: { add } }) => findMounts(call, new Set(add.map(({ path }) => path))),
  }),
  {
    method: "GET",
    url: "/v1/mounts/:id",
    id: "getMount",
    does: "One mount, with `state` and `verified`: the storage is asked.",
    answers: found(wireMountState),
    run: async ({ control, ctx, decoded }) => ({
      status: 200,
      json: wireMountStateOf(await control.mounts.get(ctx, decoded("id"))),
    }),
  },
  {
    method: "DELETE",
    url: "/v1/mounts/:id",
    id: "removeMount",
    does: "Unmounts. 204; 409 `not-empty` while a storage of the mount's own holds files.",
    answers: done,
    refuses: ["conflict", "not-empty"],
    run: async ({ control, ctx, decoded }) => {
      await control.mounts.remove(ctx, decoded("id"));
      return { status: 204 };
    },
  },
  post({
    url: "/v1/mounts/:id/rotate",
    id: "rotateMount",
    does: "`{ credentials }`: tried, then put in the place of the present ones; what is being sent goes on. Platform key.",
    example: { credentials: { accessKeyId: "AKIAEXAMPLE", secretAccessKey: "…" } },
    answers: found(wireMount),
    refuses: ["conflict"],
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
