import type { PageOf } from "@bulkhead/contract";
import type { Answer, Headers } from "../answer.ts";
import type { Call } from "../call.ts";

const bound = (call: Call, list: string): string => `${list} ${call.query.filters()}`;

/** Reads `?limit=` and `?after=` of a list. Throws `invalid-request`. */
export const paged = (
  call: Call,
  list: string,
): { readonly limit?: number; readonly after?: string } => {
  const limit = call.query.limit();
  const after = call.query.text("after");
  return {
    ...(limit !== undefined && { limit }),
    ...(after !== undefined && { after: call.cursors.open(call.ctx, bound(call, list), after) }),
  };
};

/** Seals the position of the next page, and links to it (RFC 8288). */
export const pageLinks = (
  call: Call,
  list: string,
  position: string | undefined,
): { readonly next: string | null; readonly headers: Headers } => {
  if (position === undefined) return { next: null, headers: {} };
  const next = call.cursors.seal(call.ctx, bound(call, list), position);
  const { path, query } = call.target;
  const parameters = new URLSearchParams(query);
  parameters.set("after", next);
  return { next, headers: { Link: `<${path}?${parameters.toString()}>; rel="next"` } };
};

/** Answers a page of records. */
export const pageAnswer = <T>(
  call: Call,
  list: string,
  page: PageOf<T>,
  render: (item: T) => unknown,
): Answer => {
  const { next, headers } = pageLinks(call, list, page.next);
  return { status: 200, headers, json: { items: page.items.map(render), next } };
};
