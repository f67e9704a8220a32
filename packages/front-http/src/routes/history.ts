import { parseRequestPath } from "@bulkhead/contract";
import {
  latestChange,
  longestWaitSeconds,
  restoreRequest,
  wireChange,
  wireChangeOf,
  wireVersion,
  wireVersionOf,
} from "@bulkhead/wire";
import { z } from "zod";
import type { Answer } from "../answer.ts";
import type { Call, Route } from "../call.ts";
import { changing, looking, pageOf, paging, statWith, tenantParameter } from "../describe.ts";
import { malformed } from "../fault.ts";
import { pageAnswer, paged } from "./paged.ts";
import { post } from "./post.ts";
import { statAnswer, writtenAnswer } from "./stat-answer.ts";

const versions = async (call: Call): Promise<Answer> => {
  const path = call.file();
  const list = `versions ${path}`;
  const { entries, next } = await call.control.history.versions(call.ctx, path, paged(call, list));
  call.control.metering.count(call.ctx, "lookup", path);
  const page = { items: entries, ...(next !== undefined && { next }) };
  return pageAnswer(call, list, page, wireVersionOf);
};

const restore = post({
  url: "/v1/restore",
  id: "restoreVersion",
  does: "`{ path, version }`. Makes an earlier content the newest one, as a write does. 201 where nothing was there, 200 replaced, with the stat.",
  example: { path: "/data/report.txt", version: "41" },
  answers: {
    ...statWith(201, "Nothing stood there."),
    ...statWith(200, "It took the place of what stood there."),
  },
  refuses: changing,
  schema: restoreRequest,
  run: async (call, { path: raw, version }) => {
    const path = parseRequestPath(raw);
    const result = await call.control.history.restore(call.ctx, path, version);
    return writtenAnswer(call, path, result, result.created ? 201 : 200);
  },
  // Whether a file was there before is not known any more; what stands there is.
  again: async (call, { path: raw }) => {
    const path = parseRequestPath(raw);
    return statAnswer(200, path, await call.control.session.stat(call.ctx, path));
  },
});

const waitOf = ({ query }: Call): number => {
  const text = query.text("wait");
  const seconds = text === undefined ? 0 : /^\d{1,3}(\.\d{1,3})?$/.test(text) ? Number(text) : -1;
  if (seconds < 0 || seconds > longestWaitSeconds)
    throw malformed(`The parameter 'wait' is 0 to ${longestWaitSeconds} seconds.`);
  return seconds * 1000;
};

const changes = async (call: Call): Promise<Answer> => {
  const { query } = call;
  const list = "changes";
  const limit = query.limit();
  const position =
    query.text("after") === latestChange ? { after: latestChange } : paged(call, list);
  const waitMs = waitOf(call);
  // Who waits for what may come keeps nobody of its tenant from being served.
  if (waitMs > 0) await call.place.stream();
  const page = await call.control.history.changes(call.ctx, {
    ...position,
    ...(limit !== undefined && { limit }),
    tenant: query.text("tenant"),
    waitMs,
    // A server that ends does not wait for what may come.
    enough: call.stopping,
  });
  return pageAnswer(call, list, page, wireChangeOf);
};

/** The past of files, and what changed. */
export const historyRoutes: readonly Route[] = [
  {
    method: "GET",
    url: "/v1/versions",
    id: "listVersions",
    does: "What was stored at the path and removed there, newest first, also of a file that is gone. `?limit=`, `?after=`. 400 where the storage keeps the latest content alone.",
    query: paging,
    answers: pageOf(wireVersion),
    refuses: looking,
    run: versions,
  },
  restore,
  {
    method: "GET",
    url: "/v1/changes",
    id: "listChanges",
    does: "What changed in the tenant, in commit order, as far as the key may read it: `{ items, next }`, `next` always there. `?limit=`, `?after=` (a cursor, or `latest`), `?wait=` (seconds, 30 at most) for something to tell; `?tenant=` with the platform key.",
    query: [
      {
        name: "limit",
        does: "How many at most; 1,000 by default.",
        schema: z.int().min(1).max(1000),
      },
      {
        name: "after",
        does: "What an earlier answer gave as `next`, or `latest`: what comes from now on.",
        schema: z.string(),
      },
      {
        name: "wait",
        does: "Seconds to wait for something to tell.",
        schema: z.number().min(0).max(longestWaitSeconds),
      },
      tenantParameter,
    ],
    answers: pageOf(wireChange),
    run: changes,
  },
];
