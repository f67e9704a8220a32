import { encodePath, FileError, parseRequestPath, segmentsBelow } from "@bulkhead/contract";
import { checking } from "./problem-error.ts";

export type PathRoute = "files" | "append" | "stat" | "list" | "versions";

/**
 * Spells the target of a request about `path`. The path is checked by the server's own parser first: a segment `.` or
 * `..` would be eaten by the URL parser inside `fetch`, and the request would be about another path. Throws `invalid-path`.
 */
export const pathTarget = (route: PathRoute, path: string): string =>
  `/v1/${route}${encodedPath(path)}`;

/** Checks a path and escapes it, segment by segment. Throws `invalid-path`. */
export const encodedPath = (path: string): string =>
  checking(() => encodePath(parseRequestPath(path)));

/** Checks a path that travels in a JSON body. Throws `invalid-path`. */
export const checkedPath = (path: string): string => checking(() => parseRequestPath(path));

/** Spells `path` from the directory `base` on. */
export const relativeTo = (base: string, path: string): string =>
  checking(() => segmentsBelow(parseRequestPath(base), parseRequestPath(path))?.join("/") ?? path);

const dots = /^\.{1,2}$/;

const segment = (id: string): string => {
  if (id === "" || dots.test(id)) throw new FileError("invalid-request", `'${id}' is not an id.`);
  return encodeURIComponent(id);
};

/** Spells the target of a record by its id, which must be one segment. Throws `invalid-request`. */
export const recordTarget = (collection: string, id: string, verb?: string): string =>
  checking(() => `/v1/${collection}/${segment(id)}${verb === undefined ? "" : `/${verb}`}`);

/** Spells the target of a user or group of a tenant. Throws `invalid-request`. */
export const memberTarget = (tenant: string, collection: "users" | "groups", id: string): string =>
  checking(() => `${recordTarget("tenants", tenant, collection)}/${segment(id)}`);

/** Spells the target of a counter of a tenant. Throws `invalid-request`. */
export const counterTarget = (tenant: string, resource: string, verb: string): string =>
  checking(() => `${recordTarget("tenants", tenant, "quota")}/${segment(resource)}/${verb}`);
