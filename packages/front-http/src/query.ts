import { pageLimit } from "@bulkhead/kit";
import { timestamp } from "@bulkhead/wire";
import { malformed } from "./fault.ts";

/** The parameters of a query. Those that a route does not ask for are passed over; one given twice is refused. */
export interface Query {
  readonly text: (name: string) => string | undefined;
  readonly flag: (name: string) => boolean;
  readonly limit: () => number | undefined;
  readonly time: (name: string) => number | undefined;
  /** All parameters but those that turn pages, in one fixed order: what a cursor is bound to. */
  readonly filters: () => string;
}

/** How much of a list is asked for at a time, from where and how patiently: not what the list is. */
const turning: ReadonlySet<string> = new Set(["after", "limit", "wait"]);

/** Parses `application/x-www-form-urlencoded`, `?` not included. Its readers throw `invalid-request`. */
export const parseQuery = (raw: string): Query => {
  const all = new URLSearchParams(raw);
  const text = (name: string): string | undefined => {
    const values = all.getAll(name);
    if (values.length > 1) throw malformed(`The parameter '${name}' is given once.`);
    return values[0];
  };
  return {
    text,
    flag: (name) => {
      const value = text(name);
      if (value !== undefined && value !== "true" && value !== "false")
        throw malformed(`The parameter '${name}' is 'true' or 'false'.`);
      return value === "true";
    },
    limit: () => {
      const value = text("limit");
      if (value === undefined) return undefined;
      const limit = /^\d{1,4}$/.test(value) ? Number(value) : 0;
      if (limit < 1 || limit > pageLimit)
        throw malformed(`The parameter 'limit' is 1 to ${pageLimit}.`);
      return limit;
    },
    time: (name) => {
      const value = text(name);
      if (value === undefined) return undefined;
      if (!timestamp.safeParse(value).success)
        throw malformed(`The parameter '${name}' is a time of RFC 3339.`);
      return Date.parse(value);
    },
    filters: () => {
      const rest = [...all].filter(([name]) => !turning.has(name));
      return JSON.stringify(rest.sort(([a, x], [b, y]) => (a < b || (a === b && x < y) ? -1 : 1)));
    },
  };
};
