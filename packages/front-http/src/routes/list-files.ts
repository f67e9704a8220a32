import { child, childrenOf, type RequestPath } from "@bulkhead/contract";
import { listRecursive, mapInSlices } from "@bulkhead/kit";
import { fileStatText } from "@bulkhead/wire";
import type { Answer } from "../answer.ts";
import type { Call } from "../call.ts";
import { paged, pageLinks } from "./paged.ts";
import { statAnswer } from "./stat-answer.ts";

/** Spells the path of what lies below `base`. */
export const below = (base: RequestPath, names: readonly string[]): RequestPath =>
  names.reduce<RequestPath>((path, name) => child(path, name), base);

/** `GET /v1/stat/{path}` */
export const statFile = async (call: Call): Promise<Answer> => {
  const path = call.file();
  const stat = await call.control.session.stat(call.ctx, path);
  call.control.metering.count(call.ctx, "lookup", path);
  return statAnswer(200, path, stat);
};

/** `GET /v1/list/{path}` */
export const listFiles = async (call: Call): Promise<Answer> => {
  const path = call.file();
  const recursive = call.query.flag("recursive");
  const list = `list ${path}`;
  const options = paged(call, list);
  const { session } = call.control;
  const { signal } = call.ctx;
  const inside = childrenOf(path);
  const page = recursive
    ? await listRecursive(session, call.ctx, path, options).then(async ({ entries, next }) => ({
        entries: await mapInSlices(
          entries,
          (entry) => fileStatText(below(path, entry.path), entry),
          signal,
        ),
        next,
      }))
    : await session.list(call.ctx, path, options).then(async ({ entries, next }) => ({
        entries: await mapInSlices(
          entries,
          (entry) => fileStatText(inside(entry.name), entry),
          signal,
        ),
        next,
      }));
  const { next, headers } = pageLinks(call, list, page.next);
  call.control.metering.count(call.ctx, "lookup", path);
  return {
    status: 200,
    headers: { ...headers, "Content-Type": "application/json" },
    text: `{"entries":[${page.entries.join(",")}],"next":${JSON.stringify(next)}}`,
  };
};
