import type { ErrorCode, PageOf } from "@bulkhead/contract";
import {
  checkAnswer,
  checkAnswerOf,
  checkBatchAnswer,
  checkBatchRequest,
  checkRequest,
  expandAnswer,
  expandRequest,
  explainRequest,
  grantRequest,
  listObjectsRequest,
  listSubjectsRequest,
  namesAnswer,
  relationInputOf,
  wireExplanation,
  wireExplanationOf,
  wireGrant,
  wireGrantOf,
  wireRelation,
  wireRelationOf,
  wireRevoked,
} from "@bulkhead/wire";
import { z } from "zod";
import type { Call, Route } from "../call.ts";
import { found, made, pageOf, paging, recording, tenantParameter } from "../describe.ts";
import { pageAnswer, paged } from "./paged.ts";
import { type JsonOptions, post } from "./post.ts";

/** A POST that changes nothing: asked again it is answered anew. */
const question = <T>(asked: JsonOptions<T>): Route => post({ ...asked, again: asked.run });

const asking: readonly ErrorCode[] = ["conflict", "too-large"];

interface Turning {
  readonly limit?: number | undefined;
  readonly after?: string | undefined;
}

/** A list whose filters are in the body: a cursor is bound to them as others are to a query. */
const listQuestion = <T extends Turning>(
  { url, ...described }: Omit<JsonOptions<T>, "answers" | "refuses" | "run">,
  list: (call: Call, input: T) => Promise<PageOf<string>>,
): Route =>
  question({
    ...described,
    url,
    answers: found(namesAnswer, "A page."),
    refuses: asking,
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
    id: "grantRelation",
    does: "`{ subject, relation, object, subjectTenant?, tenant?, expiresAt?, model?, condition? }`. 201 with the relation and a `revision`. What is there already is renewed.",
    example: { subject: "user:alice", relation: "editor", object: "file:/workspace/acme/shared" },
    answers: made(wireGrant),
    refuses: recording,
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
    id: "listRelations",
    does: "A page of the relations that the key may see. `?tenant=`, `subject`, `relation`, `object`, `model`, `crossing=true` for those that cross tenants.",
    query: [
      ...paging,
      tenantParameter,
      ...(["subject", "relation", "object", "model"] as const).map((name) => ({
        name,
        does: `Relations with this ${name} alone.`,
        schema: z.string(),
      })),
      {
        name: "crossing",
        does: "Those alone that cross tenants.",
        schema: z.enum(["true", "false"]),
      },
    ],
    answers: pageOf(wireRelation),
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
    id: "revokeRelation",
    does: "Revokes it. 200 with a `revision`, once no request that stands on it can succeed any more.",
    answers: found(wireRevoked),
    refuses: ["conflict"],
    run: async ({ control, ctx, decoded }) => {
      const id = decoded("id");
      const { revision } = await control.relations.revoke(ctx, id);
      return { status: 200, json: { id, revision } };
    },
  },
  question({
    url: "/v1/check",
    id: "check",
    does: "`{ subject, permission, object, subjectTenant?, tenant?, model?, revision?, contextual?, context? }` → `{ allowed, revision, reason? }`; with `revision` from facts at least as new.",
    example: {
      subject: "user:alice",
      permission: "can_read",
      object: "file:/workspace/acme/shared/plan.txt",
    },
    answers: found(checkAnswer),
    refuses: asking,
    schema: checkRequest,
    run: async ({ control, ctx }, input) => ({
      status: 200,
      json: checkAnswerOf(await control.relations.check(ctx, input)),
    }),
  }),
  question({
    url: "/v1/check/batch",
    id: "checkBatch",
    does: "`{ checks: [check…] }`, at most 1,000 → `{ results }` in the same order, from the same facts.",
    example: {
      checks: [
        {
          subject: "user:alice",
          permission: "can_read",
          object: "file:/workspace/acme/shared/plan.txt",
        },
      ],
    },
    answers: found(checkBatchAnswer),
    refuses: asking,
    schema: checkBatchRequest,
    run: async ({ control, ctx }, { checks }) => ({
      status: 200,
      json: { results: (await control.relations.checkBatch(ctx, checks)).map(checkAnswerOf) },
    }),
  }),
  question({
    url: "/v1/expand",
    id: "expandRelation",
    does: "`{ relation, object, tenant?, model? }` → `{ tree }`: who, and through what.",
    example: { relation: "viewer", object: "file:/workspace/acme/shared" },
    answers: found(expandAnswer),
    refuses: asking,
    schema: expandRequest,
    run: async ({ control, ctx }, input) => ({
      status: 200,
      json: { tree: await control.relations.expand(ctx, input) },
    }),
  }),
  listQuestion(
    {
      url: "/v1/list-objects",
      id: "listObjects",
      does: "`{ subject, permission, type?, subjectTenant?, tenant?, model?, context?, limit?, after? }` → `{ items, next }`; of files the roots, all below is meant.",
      schema: listObjectsRequest,
      example: { subject: "user:alice", permission: "can_read" },
    },
    ({ control, ctx }, input) => control.relations.listObjects(ctx, input),
  ),
  listQuestion(
    {
      url: "/v1/list-subjects",
      id: "listSubjects",
      does: "`{ permission, object, type?, tenant?, model?, context?, limit?, after? }` → `{ items, next }`: as relations name them, a group for its members.",
      schema: listSubjectsRequest,
      example: { permission: "can_read", object: "file:/workspace/acme/shared" },
    },
    ({ control, ctx }, input) => control.relations.listSubjects(ctx, input),
  ),
  question({
    url: "/v1/explain",
    id: "explain",
    does: "`{ operation, path, to?, size?, subject? }` → `{ decision, code, subject, tenantStatus, steps }`: what the request would be answered, and why.",
    example: { operation: "read", path: "/shared/plan.txt", subject: "user:alice" },
    answers: found(wireExplanation),
    refuses: asking,
    schema: explainRequest,
    run: async ({ control, ctx }, input) => ({
      status: 200,
      json: wireExplanationOf(await control.explain(ctx, input)),
    }),
  }),
];
