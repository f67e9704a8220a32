import type { ModelRecord } from "@bulkhead/contract";
import { modelRequest, type ModelRequest, wireModelOf } from "@bulkhead/wire";
import type { Answer } from "../answer.ts";
import type { Call, Route } from "../call.ts";
import { pageAnswer, paged } from "./paged.ts";
import { post } from "./post.ts";

const putAnswer = (model: ModelRecord): Answer => ({
  status: model.createdAt === model.updatedAt ? 201 : 200,
  headers: { Location: `/v1/models/${encodeURIComponent(model.name)}` },
  json: wireModelOf(model),
});

const put = async ({ control, ctx }: Call, input: ModelRequest): Promise<Answer> =>
  putAnswer(await control.models.put(ctx, input));

/** `/v1/models` */
export const modelRoutes: readonly Route[] = [
  post({
    url: "/v1/models",
    schema: modelRequest,
    run: put,
    again: async ({ control, ctx }, { name, tenant }) =>
      putAnswer(await control.models.get(ctx, name, tenant)),
  }),
  {
    method: "GET",
    url: "/v1/models",
    run: async (call) => {
      const query = { ...paged(call, "models"), tenant: call.query.text("tenant") };
      return pageAnswer(
        call,
        "models",
        await call.control.models.list(call.ctx, query),
        wireModelOf,
      );
    },
  },
  {
    method: "GET",
    url: "/v1/models/:name",
    run: async ({ control, ctx, decoded, query }) => ({
      status: 200,
      json: wireModelOf(await control.models.get(ctx, decoded("name"), query.text("tenant"))),
    }),
  },
  {
    method: "DELETE",
    url: "/v1/models/:name",
    run: async ({ control, ctx, decoded, query }) => {
      await control.models.remove(ctx, decoded("name"), query.text("tenant"));
      return { status: 204 };
    },
  },
];
