import { FileError } from "@bulkhead/contract";
import {
  decodeHeaderText,
  headerNames,
  shareInputOf,
  shareRequest,
  shareStatus,
  wireShare,
  wireShareOf,
} from "@bulkhead/wire";
import type { Answer } from "../answer.ts";
import type { Call, OpenCall, Route } from "../call.ts";
import { readConditions } from "../conditions.ts";
import {
  contentAnswers,
  done,
  made,
  pageOf,
  paging,
  recording,
  tenantParameter,
} from "../describe.ts";
import { malformed } from "../fault.ts";
import { contentHeaders } from "../file-headers.ts";
import { parseRange } from "../range-header.ts";
import { pageAnswer, paged } from "./paged.ts";
import { post } from "./post.ts";
import { contentAnswer, notModified } from "./read-file.ts";

const statusOf = ({ query }: Call) => {
  const text = query.text("status");
  if (text === undefined) return undefined;
  const status = shareStatus.safeParse(text);
  if (!status.success)
    throw malformed("The parameter 'status' is 'active', 'expired' or 'revoked'.");
  return status.data;
};

const shareLost = (): Promise<never> =>
  Promise.reject(
    new FileError(
      "conflict",
      "The share was made, but its answer was lost. Find it under GET /v1/shares; a link's address is told once, so revoke a link and make another.",
      { retry: "never" },
    ),
  );

const passwordOf = ({ headers }: OpenCall): string | undefined => {
  const name = headerNames.linkPassword;
  const value = headers[name.toLowerCase()];
  return typeof value === "string" ? decodeHeaderText(name, value) : undefined;
};

/**
 * `GET` and `HEAD /v1/links/{token}`. HEAD, and GET of what the caller has already, look without using the link up; every
 * other GET uses it once, whatever the range.
 */
const readLink = async (call: OpenCall): Promise<Answer> => {
  const { links } = call.control;
  const visit = { ...call.visitor, token: call.param("token"), password: passwordOf(call) };
  const conditions = readConditions(call.headers);
  const head = call.request.method === "HEAD";
  let range = parseRange(call.headers.range);
  if (head || conditions.any) {
    const stat = await links.stat(visit);
    if (conditions.unmodified(stat)) return notModified(stat);
    if (head) return { status: 200, headers: contentHeaders(stat), length: stat.size };
    if (!conditions.allowsRange(stat)) range = undefined;
  }
  const sending = call.flow.open();
  const { piece, reuse } = sending;
  const reading = { ...(range !== undefined && { range }), piece, reuse };
  return contentAnswer(await links.read(visit, reading), sending);
};

/** `/v1/shares` and `/v1/links/{token}` */
export const shareRoutes: readonly Route[] = [
  post({
    url: "/v1/shares",
    id: "createShare",
    does: "`{ path, tenant? | subject? | link?: true, permission?, expiresAt? | expiresInDays?, maxUses?, password? }`. 201; of a link `url`, told this once.",
    example: { path: "/reports/q3.pdf", tenant: "beta", expiresInDays: 30 },
    answers: made(wireShare),
    refuses: [...recording, "is-directory"],
    schema: shareRequest,
    run: async ({ control, ctx }, input) => {
      const json = wireShareOf(await control.shares.create(ctx, shareInputOf(input, ctx.now)));
      return {
        status: 201,
        headers: { Location: `/v1/shares/${json.id}` },
        json,
        ...(json.url !== undefined && { replay: { ...json, url: null, replayed: true } }),
      };
    },
    again: shareLost,
  }),
  {
    method: "GET",
    url: "/v1/shares",
    id: "listShares",
    does: "A page of shares, given and received. `?tenant=`, `?status=active|expired|revoked`.",
    query: [
      ...paging,
      tenantParameter,
      { name: "status", does: "Shares in this state alone.", schema: shareStatus },
    ],
    answers: pageOf(wireShare),
    run: async (call) => {
      const { control, ctx, query } = call;
      const page = await control.shares.list(ctx, {
        ...paged(call, "shares"),
        tenant: query.text("tenant"),
        status: statusOf(call),
      });
      return pageAnswer(call, "shares", page, wireShareOf);
    },
  },
  {
    method: "DELETE",
    url: "/v1/shares/:id",
    id: "revokeShare",
    does: "Ends a share at once. 204.",
    answers: done,
    refuses: ["conflict"],
    run: async ({ control, ctx, decoded }) => {
      await control.shares.revoke(ctx, decoded("id"));
      return { status: 204 };
    },
  },
  {
    method: "GET",
    url: "/v1/links/:token",
    id: "openLink",
    does: "The content that a link leads to, as of a file; a password in `Bulkhead-Link-Password`. Each GET is one use, but for 304; HEAD is none. Needs no key.",
    headers: [
      "Range",
      "If-Match",
      "If-None-Match",
      "If-Modified-Since",
      "If-Unmodified-Since",
      "If-Range",
      "Bulkhead-Link-Password",
    ],
    answers: contentAnswers,
    refuses: [
      "not-found",
      "forbidden",
      "is-directory",
      "precondition-failed",
      "range-not-satisfiable",
      "rate-limited",
      "tenant-suspended",
      "wrong-region",
      "unavailable",
      "timeout",
    ],
    open: true,
    run: readLink,
  },
];
