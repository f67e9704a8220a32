import type { PageOf } from "@bulkhead/contract";
import {
  checkAnswerOf,
  checkBatchRequest,
  checkRequest,
  expandRequest,
  explainRequest,
  grantRequest,
  listObjectsRequest,
  listSubjectsRequest,
  relationInputOf,
  wireExplanationOf,
  wireGrantOf,
  wireRelationOf,
} from "@bulkhead/wire";
import type { z } from "zod";
import type { Answer } from "../answer.ts";
import type { Call, Route } from "../call.ts";
import { pageAnswer, paged } from "./paged.ts";
import { post } from "./post.ts";

interface Question<T> {
  readonly url: string;
  readonly schema: z.ZodType<T>;
  readonly run: (call: Call, input: T) => Promise<Answer>;
}

/** A POST that changes nothing: asked again it is answered anew. */
const question = <T>({ url, schema, run }: Question<T>): Route =>
  post({ url, schema, run, again: run });

interface Turning {
  readonly limit?: number | undefined;
  readonly after?: string | undefined;
}

/** A list whose filters are in the body: a cursor is bound to them as others are to a query. */
const listQuestion = <T extends Turning>(
  url: string,
  schema: z.ZodType<T>,
  list: (call: Call, input: T) => Promise<PageOf<string>>,
): Route =>
  question({
    url,
    schema,
    run: async (call, input) => {
      const { after, limit: _, ...filters } = input;
      const bound = JSON.stringify([url, filters]);
      const position = after === undefined ? undefined : call.cursors.open(call.ctx, bound, after);
      const { items, next } = await list(call, { ...input, after: position });
      return {
        status: 200,
        json: {
          items,
          next: next === undefined ? null : call.cursors.seal(call.ctx, bound, next),
        },
      };
    },
  });

/** `/v1/relations` and the questions about them */
export const relationRoutes: readonly Route[] = [
  post({
    url: "/v1/relations",
    schema: grantRequest,
    run: async ({ control, ctx }, input) => {
      const grant = await control.relations.grant(ctx, relationInputOf(input));
      return {
        status: 201,
        headers: { Location: `/v1/relations/${grant.id}` },
        json: wireGrantOf(grant),
      };
    },
    // What is granted already is found, not granted twice.
    again: async ({ control, ctx }, input) => ({
      status: 201,
      json: wireGrantOf(await control.relations.grant(ctx, relationInputOf(input))),
    }),
  }),
  {
    method: "GET",
    url: "/v1/relations",
    run: async (call) => {
      const { query } = call;
      const page = await call.control.relations.list(call.ctx, {
        ...paged(call, "relations"),
        tenant: query.text("tenant"),
        subject: query.text("subject"),
        relation: query.text("relation"),
        object: query.text("object"),
        model: query.text("model"),
        ...(query.flag("crossing") && { crossing: true }),
      });
      return pageAnswer(call, "relations", page, wireRelationOf);
    },
  },
  {
    method: "DELETE",
    url: "/v1/relations/:id",
    run: async ({ control, ctx, decoded }) => {
      const id = decoded("id");
      const { revision } = await control.relations.revoke(ctx, id);
      return { status: 200, json: { id, revision } };
    },
  },
  question({
    url: "/v1/check",
    schema: checkRequest,
    run: async ({ control, ctx }, input) => ({
      status: 200,
      json: checkAnswerOf(await control.relations.check(ctx, input)),
    }),
  }),
  question({
    url: "/v1/check/batch",
    schema: checkBatchRequest,
    run: async ({ control, ctx }, { checks }) => ({
      status: 200,
      json: { results: (await control.relations.checkBatch(ctx, checks)).map(checkAnswerOf) },
    }),
  }),
  question({
    url: "/v1/expand",
    schema: expandRequest,
    run: async ({ control, ctx }, input) => ({
      status: 200,
      json: { tree: await control.relations.expand(ctx, input) },
    }),
  }),
  listQuestion("/v1/list-objects", listObjectsRequest, ({ control, ctx }, input) =>
    control.relations.listObjects(ctx, input),
  ),
  listQuestion("/v1/list-subjects", listSubjectsRequest, ({ control, ctx }, input) =>
    control.relations.listSubjects(ctx, input),
  ),
  question({
    url: "/v1/explain",
    schema: explainRequest,
    run: async ({ control, ctx }, input) => ({
      status: 200,
      json: wireExplanationOf(await control.explain(ctx, input)),
    }),
  }),
];
