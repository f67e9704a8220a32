import type { MintedKey } from "@bulkhead/contract";
import {
  keyInputOf,
  keyPatchOf,
  mintRequest,
  narrowRequest,
  rotateRequest,
  wireKey,
  wireKeyOf,
  wireMintedKey,
  wireMintedKeyOf,
} from "@bulkhead/wire";
import type { Answer } from "../answer.ts";
import type { Route } from "../call.ts";
import { done, found, made, pageOf, paging, recording, tenantParameter } from "../describe.ts";
import { pageAnswer, paged } from "./paged.ts";
import { post, secretLost, taking } from "./post.ts";

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
    id: "mintKey",
    does: "`{ name, tenant?, workspacePrefix?, subject?, scopes?, expiresAt? }`. 201 with `key`, the secret: the only answer that holds it.",
    example: { name: "ci", workspacePrefix: "/workspace/acme", scopes: ["read", "write"] },
    answers: made(wireMintedKey, "The key, with its secret."),
    refuses: recording,
    schema: mintRequest,
    run: async ({ control, ctx }, input) =>
      mintedAnswer(await control.keys.mint(ctx, keyInputOf(input))),
    again: secretLost,
  }),
  {
    method: "GET",
    url: "/v1/keys",
    id: "listKeys",
    does: "A page of keys, without secrets. `?tenant=`.",
    query: [...paging, tenantParameter],
    answers: pageOf(wireKey),
    run: async (call) => {
      const query = { ...paged(call, "keys"), tenant: call.query.text("tenant") };
      return pageAnswer(call, "keys", await call.control.keys.list(call.ctx, query), wireKeyOf);
    },
  },
  {
    method: "GET",
    url: "/v1/keys/:id",
    id: "getKey",
    does: "One key, without its secret.",
    answers: found(wireKey),
    run: async ({ control, ctx, param }) => ({
      status: 200,
      json: wireKeyOf(await control.keys.get(ctx, param("id"))),
    }),
  },
  taking("PATCH", {
    url: "/v1/keys/:id",
    id: "narrowKey",
    does: "`{ name?, scopes?, workspacePrefix?, expiresAt? }`, only narrower.",
    example: { scopes: ["read"] },
    answers: found(wireKey),
    refuses: ["conflict"],
    schema: narrowRequest,
    run: async ({ control, ctx, param }, patch) => ({
      status: 200,
      json: wireKeyOf(await control.keys.narrow(ctx, param("id"), keyPatchOf(patch))),
    }),
  }),
  {
    method: "DELETE",
    url: "/v1/keys/:id",
    id: "revokeKey",
    does: "Revokes it, and what was minted with it. 204 once no request with it can succeed any more.",
    answers: done,
    refuses: ["conflict"],
    run: async ({ control, ctx, param }) => {
      await control.keys.revoke(ctx, param("id"));
      return { status: 204 };
    },
  },
  post({
    url: "/v1/keys/:id/rotate",
    id: "rotateKey",
    does: "`{ overlapSeconds? }`, 604,800 at most. 201 with the successor's secret.",
    example: { overlapSeconds: 3600 },
    answers: made(wireMintedKey, "The successor, with its secret."),
    refuses: recording,
    schema: rotateRequest,
    run: async ({ control, ctx, param }, { overlapSeconds = 0 }) =>
      mintedAnswer(await control.keys.rotate(ctx, param("id"), overlapSeconds * 1000)),
    again: secretLost,
  }),
];
