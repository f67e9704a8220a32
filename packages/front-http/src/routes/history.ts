import { parseRequestPath } from "@bulkhead/contract";
import {
  latestChange,
  longestWaitSeconds,
  restoreRequest,
  wireChangeOf,
  wireVersionOf,
} from "@bulkhead/wire";
import type { Answer } from "../answer.ts";
import type { Call, Route } from "../call.ts";
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
  { method: "GET", url: "/v1/versions", run: versions },
  restore,
  { method: "GET", url: "/v1/changes", run: changes },
];
