import type { MintedKey } from "@bulkhead/contract";
import {
  keyInputOf,
  keyPatchOf,
  mintRequest,
  narrowRequest,
  rotateRequest,
  wireKeyOf,
  wireMintedKeyOf,
} from "@bulkhead/wire";
import type { Answer } from "../answer.ts";
import type { Route } from "../call.ts";
import { jsonBytes, parseJson } from "../json-body.ts";
import { pageAnswer, paged } from "./paged.ts";
import { post, secretLost } from "./post.ts";

const mintedAnswer = (minted: MintedKey): Answer => {
  const json = wireMintedKeyOf(minted);
  return {
    status: 201,
    headers: { Location: `/v1/keys/${minted.id}` },
    json,
    replay: { ...json, key: null, replayed: true },
  };
};

/** `/v1/keys` */
export const keyRoutes: readonly Route[] = [
  post({
    url: "/v1/keys",
    schema: mintRequest,
    run: async ({ control, ctx }, input) =>
      mintedAnswer(await control.keys.mint(ctx, keyInputOf(input))),
    again: secretLost,
  }),
  {
    method: "GET",
    url: "/v1/keys",
    run: async (call) => {
      const query = { ...paged(call, "keys"), tenant: call.query.text("tenant") };
      return pageAnswer(call, "keys", await call.control.keys.list(call.ctx, query), wireKeyOf);
    },
  },
  {
    method: "GET",
    url: "/v1/keys/:id",
    run: async ({ control, ctx, param }) => ({
      status: 200,
      json: wireKeyOf(await control.keys.get(ctx, param("id"))),
    }),
  },
  {
    method: "PATCH",
    url: "/v1/keys/:id",
    run: async (call) => {
      const patch = parseJson(await jsonBytes(call.upload()), narrowRequest);
      const key = await call.control.keys.narrow(call.ctx, call.param("id"), keyPatchOf(patch));
      return { status: 200, json: wireKeyOf(key) };
    },
  },
  {
    method: "DELETE",
    url: "/v1/keys/:id",
    run: async ({ control, ctx, param }) => {
      await control.keys.revoke(ctx, param("id"));
      return { status: 204 };
    },
  },
  post({
    url: "/v1/keys/:id/rotate",
    schema: rotateRequest,
    run: async ({ control, ctx, param }, { overlapSeconds = 0 }) =>
      mintedAnswer(await control.keys.rotate(ctx, param("id"), overlapSeconds * 1000)),
    again: secretLost,
  }),
];
