import type { ModelRecord } from "@bulkhead/contract";
import { modelRequest, type ModelRequest, wireModel, wireModelOf } from "@bulkhead/wire";
import type { Answer } from "../answer.ts";
import type { Call, Route } from "../call.ts";
import { done, found, pageOf, paging, recording, tenantParameter, put } from "../describe.ts";
import { pageAnswer, paged } from "./paged.ts";
import { post } from "./post.ts";

const putAnswer = (model: ModelRecord): Answer => ({
  status: model.createdAt === model.updatedAt ? 201 : 200,
  headers: { Location: `/v1/models/${encodeURIComponent(model.name)}` },
  json: wireModelOf(model),
});

const putModel = async ({ control, ctx }: Call, input: ModelRequest): Promise<Answer> =>
  putAnswer(await control.models.put(ctx, input));

/** `/v1/models` */
export const modelRoutes: readonly Route[] = [
  post({
    url: "/v1/models",
    id: "putModel",
    does: "`{ name, source, tenant? }`: a model of the tenant's own in OpenFGA's DSL or JSON. 201, 200 where it took another's place.",
    example: {
      name: "documents",
      source:
        "model\n  schema 1.1\ntype user\ntype document\n  relations\n    define reader: [user]\n",
    },
    answers: put(wireModel),
    refuses: recording,
    schema: modelRequest,
    run: putModel,
    again: async ({ control, ctx }, { name, tenant }) =>
      putAnswer(await control.models.get(ctx, name, tenant)),
  }),
  {
    method: "GET",
    url: "/v1/models",
    id: "listModels",
    does: "A page of models. `?tenant=`.",
    query: [...paging, tenantParameter],
    answers: pageOf(wireModel),
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
    id: "getModel",
    does: "One model. `?tenant=`.",
    query: [tenantParameter],
    answers: found(wireModel),
    run: async ({ control, ctx, decoded, query }) => ({
      status: 200,
      json: wireModelOf(await control.models.get(ctx, decoded("name"), query.text("tenant"))),
    }),
  },
  {
    method: "DELETE",
    url: "/v1/models/:name",
    id: "removeModel",
    does: "Removes it with all relations that stand on it. 204. `?tenant=`.",
    query: [tenantParameter],
    answers: done,
    refuses: ["conflict"],
    run: async ({ control, ctx, decoded, query }) => {
      await control.models.remove(ctx, decoded("name"), query.text("tenant"));
      return { status: 204 };
    },
  },
];
