import { routes } from "../../packages/front-http/src/routes/index.ts";
import { code, table } from "./markdown.ts";

/** What each route does. A route without a row, and a row without a route, is a mistake. */
const does: Readonly<Record<string, string>> = {
  "GET /v1/files/{path}":
    "The content; `?version=` an earlier one. `Range` (one range), `If-Match`, `If-None-Match`, `If-Modified-Since`, `If-Range`. 200, 206, 304.",
  "PUT /v1/files/{path}":
    "Writes the body and makes missing parents. `If-Match`, `If-None-Match: *`, `Content-Digest`, `Repr-Digest`. 201 created, 200 replaced, with the stat.",
  "DELETE /v1/files/{path}":
    "Removes a file or an empty directory; `?recursive=true` whatever is there. `If-Match`. 204, or 202 with a job.",
  "POST /v1/append/{path}":
    "Appends the body in one step; makes file and parents. 200 with the stat.",
  "GET /v1/stat/{path}": "What is known of a file or directory.",
  "GET /v1/list/{path}":
    "A page of a directory: `{ entries, next }`. `?limit=` (1,000 at most), `?after=`, `?recursive=true`.",
  "POST /v1/mkdir": "`{ path, parents?, existOk? }`. 201 with the stat.",
  "POST /v1/copy":
    '`{ from, to, mode?, ifMatch? }`. `mode` judges the target: `"create"` (default), `"overwrite"`, `{ ifMatch }`; `ifMatch` the source. 201, 200 replaced, 202 with a job.',
  "POST /v1/move": "As copy. Replaces nothing unless told to.",
  "POST /v1/glob": "`{ pattern, path?, limit? }` → `{ paths, truncated }`.",
  "POST /v1/grep":
    "`{ pattern, path?, include?, ignoreCase?, limit? }` → `{ matches: [{ path, line, text }], truncated }`. The pattern is RE2: it runs in linear time.",
  "GET /v1/versions/{path}":
    "What was stored at the path and removed there, newest first, also of a file that is gone. `?limit=`, `?after=`. 400 where the storage keeps the latest content alone.",
  "POST /v1/restore":
    "`{ path, version }`. Makes an earlier content the newest one, as a write does. 201 where nothing was there, 200 replaced, with the stat.",
  "GET /v1/changes":
    "What changed in the tenant, in commit order, as far as the key may read it: `{ items, next }`, `next` always there. `?limit=`, `?after=` (a cursor, or `latest`), `?wait=` (seconds, 30 at most) for something to tell; `?tenant=` with the platform key.",
  "POST /v1/keys":
    "`{ name, tenant?, workspacePrefix?, subject?, scopes?, expiresAt? }`. 201 with `key`, the secret: the only answer that holds it.",
  "GET /v1/keys": "A page of keys, without secrets. `?tenant=`.",
  "GET /v1/keys/{id}": "One key, without its secret.",
  "PATCH /v1/keys/{id}": "`{ name?, scopes?, workspacePrefix?, expiresAt? }`, only narrower.",
  "DELETE /v1/keys/{id}":
    "Revokes it, and what was minted with it. 204 once no request with it can succeed any more.",
  "POST /v1/keys/{id}/rotate":
    "`{ overlapSeconds? }`, 604,800 at most. 201 with the successor's secret.",
  "POST /v1/tenants":
    "`{ id, name?, root?, subdomain?, region?, allowedRegions?, limits?, settings? }`. 201, or 202 `{ tenant, job }` where a database of its own has to be made first: it serves once the job is done. Platform key.",
  "GET /v1/tenants": "A page of tenants. `?status=`.",
  "GET /v1/tenants/{id}": "One tenant.",
  "PATCH /v1/tenants/{id}":
    "`{ name?, subdomain?, limits?, settings?, rateLimits? }`. `rateLimits`: `{ tenant?, key?, bytesPerSecond? }`, requests a minute and bytes a second; a limit of null is none, `rateLimits: null` is what the configuration says. Limits, rates and subdomain: platform key.",
  "DELETE /v1/tenants/{id}":
    "`?confirm=<id>`, `?grace=P30D`. 202 with the job that removes everything; its result is a certificate. Platform key.",
  "POST /v1/tenants/{id}/move":
    '`{ placement, source? }`: brings what the tenant has to another placement, while it is served; `source` is `"keep"` (default) or `"erase"`. 202 with the job, in whose `progress` are `phase`, `blobs`, `bytes`, `ofBlobs` and `ofBytes`; 409 while one is under way. Platform key.',
  "GET /v1/tenants/{id}/move": "The job of the tenant's latest move. Platform key.",
  "POST /v1/tenants/{id}/suspend": "`{ reason? }`. Platform key.",
  "POST /v1/tenants/{id}/reactivate": "Platform key.",
  "GET /v1/tenants/{id}/usage":
    "`{ plan, usage, limits, utilization, warnings }`: what a tenant uses of what it may, in percent, and a sentence for each resource above 80 %. With `?by=hour|day|month`, `from` or `to` (the last 24 hours by default): `{ tenant, from, to, by, spans }`, each span with `requests`, `reads`, `lookups`, `searches`, `writes`, `bytesIn`, `bytesOut`, `byteHours`, `users`.",
  "GET /v1/tenants/{id}/quota": "`{ resource: { limit, soft?, used } }`; a limit of null is none.",
  "PUT /v1/tenants/{id}/quota":
    '`{ resource: limit | null | "plan" | { limit?, soft? } }`: changes the limits that are named, for the next request. The platform key alone.',
  "POST /v1/tenants/{id}/quota/{resource}/check":
    "`{ amount = 1 }` → `{ allowed, reason?, current, limit, remaining }`. Changes nothing.",
  "POST /v1/tenants/{id}/quota/{resource}/increment":
    "Adds to a counter of a name of your own, unless that were more than its limit: then `allowed` is false. The platform key alone.",
  "POST /v1/tenants/{id}/quota/{resource}/decrement":
    "Takes from a counter. 409 where that were less than nothing. The platform key alone.",
  "POST /v1/tenants/{id}/quota/audit":
    "202 `{ job }`: counts what is really there, on every storage. The job's result is `{ tenant, counted, found, drift, storages }`. The platform key alone.",
  "POST /v1/tenants/{id}/upgrade":
    "`{ plan, preview? }`: puts a tenant on a plan, up or down, and ends a trial, never a suspension. With `preview` says what would change. The platform key alone.",
  "GET /v1/tenants/{id}/bill":
    "`?month=2026-11`: `{ tenant, month, reads, writes, searches, storageGb, users, baseMinor, overage: { users, storage }, totalMinor, currency, final }`, money in minor units. `?format=csv`.",
  "POST /v1/tenants/{id}/users":
    "`{ id, type?, email?, fullName?, role? }`; `type` is `user` (default), `agent` or `service`, `role` `owner`, `admin`, `editor` or `member` (default). 201. The role gives relations.",
  "GET /v1/tenants/{id}/users": "A page of users. `?type=`.",
  "GET /v1/tenants/{id}/users/{user}": "One user. `?type=`, `user` by default.",
  "PATCH /v1/tenants/{id}/users/{user}":
    "`{ email?, fullName?, role?, status? }`. A suspended user's keys are refused. `?type=`.",
  "DELETE /v1/tenants/{id}/users/{user}":
    "Ends its keys and every relation that names it. 204. `?type=`.",
  "POST /v1/tenants/{id}/groups": "`{ id }`. 201. Who is in it are relations `member`.",
  "GET /v1/tenants/{id}/groups": "A page of groups.",
  "DELETE /v1/tenants/{id}/groups/{group}": "Ends it and every relation that names it. 204.",
  "GET /v1/mounts":
    "A page of mounts, tenants' roots excepted and without credentials. `?tenant=`. The platform key sees all, a tenant's admin those on its ground.",
  "GET /v1/tenants/{id}/mounts": "The same for one tenant.",
  "POST /v1/mounts/plan":
    "`{ add?: [{ path, backend, tenant?, readOnly?, folder?, bucket?, region?, priority?, shadow? }], remove?: [id…], credentials?: { path: { … } } }` → `{ plan, hash }`: what would be hidden, whose files are touched, where content would be, and what refuses it. Does nothing.",
  "POST /v1/mounts/apply":
    "`{ plan, hash, credentials? }`. 200 `{ mounts }`; 409 `conflict` with `effects` where it would do something else by now, or is refused; 403 `residency`.",
  "GET /v1/mounts/{id}": "One mount, with `state` and `verified`: the storage is asked.",
  "DELETE /v1/mounts/{id}":
    "Unmounts. 204; 409 `not-empty` while a storage of the mount's own holds files.",
  "POST /v1/mounts/{id}/rotate":
    "`{ credentials }`: tried, then put in the place of the present ones; what is being sent goes on. Platform key.",
  "GET /v1/tenants/{id}/residency":
    "A page of the tenant's files: `{ path, kind, size, content: { region, state }, metadata: { region, state } }`; `state` is `verified` (by the storage itself), `unverified`, `violated` or `unreachable`.",
  "POST /v1/directory":
    "`{ tenant, region, subdomain? }`: a tenant that another region's server serves; who asks here for it gets 421. 201, 200 where it took another entry's place. Platform key.",
  "GET /v1/directory": "A page of them. Platform key.",
  "GET /v1/directory/{id}": "One of them, by the tenant's id. Platform key.",
  "DELETE /v1/directory/{id}": "Forgets where it is served. 204. Platform key.",
  "POST /v1/relations":
    "`{ subject, relation, object, subjectTenant?, tenant?, expiresAt?, model?, condition? }`. 201 with the relation and a `revision`. What is there already is renewed.",
  "GET /v1/relations":
    "A page of the relations that the key may see. `?tenant=`, `subject`, `relation`, `object`, `model`, `crossing=true` for those that cross tenants.",
  "DELETE /v1/relations/{id}":
    "Revokes it. 200 with a `revision`, once no request that stands on it can succeed any more.",
  "POST /v1/check":
    "`{ subject, permission, object, subjectTenant?, tenant?, model?, revision?, contextual?, context? }` → `{ allowed, revision, reason? }`; with `revision` from facts at least as new.",
  "POST /v1/check/batch":
    "`{ checks: [check…] }`, at most 1,000 → `{ results }` in the same order, from the same facts.",
  "POST /v1/expand": "`{ relation, object, tenant?, model? }` → `{ tree }`: who, and through what.",
  "POST /v1/list-objects":
    "`{ subject, permission, type?, subjectTenant?, tenant?, model?, context?, limit?, after? }` → `{ items, next }`; of files the roots, all below is meant.",
  "POST /v1/list-subjects":
    "`{ permission, object, type?, tenant?, model?, context?, limit?, after? }` → `{ items, next }`: as relations name them, a group for its members.",
  "POST /v1/explain":
    "`{ operation, path, to?, size?, subject? }` → `{ decision, code, subject, tenantStatus, steps }`: what the request would be answered, and why.",
  "POST /v1/models":
    "`{ name, source, tenant? }`: a model of the tenant's own in OpenFGA's DSL or JSON. 201, 200 where it took another's place.",
  "GET /v1/models": "A page of models. `?tenant=`.",
  "GET /v1/models/{name}": "One model. `?tenant=`.",
  "DELETE /v1/models/{name}": "Removes it with all relations that stand on it. 204. `?tenant=`.",
  "POST /v1/shares":
    "`{ path, tenant? | subject? | link?: true, permission?, expiresAt? | expiresInDays?, maxUses?, password? }`. 201; of a link `url`, told this once.",
  "GET /v1/shares":
    "A page of shares, given and received. `?tenant=`, `?status=active|expired|revoked`.",
  "DELETE /v1/shares/{id}": "Ends a share at once. 204.",
  "GET /v1/links/{token}":
    "The content that a link leads to, as of a file; a password in `Bulkhead-Link-Password`. Each GET is one use, but for 304; HEAD is none. Needs no key.",
  "GET /v1/whoami": "Principal, tenant, home, bounds, scopes, limits and rate limits of the key.",
  "POST /v1/jobs/{id}/abort":
    "Gives up a tenant's move, until it has switched: what it did is taken back, and the job ends as `dead`. 202 with the job. Platform key.",
  "GET /v1/jobs/{id}":
    "State (`queued`, `running`, `done`, `dead`), attempts, progress and result of a job.",
  "GET /v1/audit":
    "A page of the audit log, newest first. `?tenant=`, `actor`, `action`, `result=success|denied`, `since`, `until`.",
  "GET /v1/audit/verify":
    "`{ tenant, ok, entries, hash, signed, fault }`: recomputes a chain of entries; `fault` is `{ n, to?, fault }` with the number of the entry that is `changed`, `missing`, `reordered`, or whose head has no good `signature`. `?tenant=`; a tenant's admin key verifies its own.",
  "GET /v1/tenants/{id}/audit": "The same for one tenant.",
  "GET /health": "`{ status, version, mode }`. Needs no key.",
  "GET /livez": "Whether the process answers. Needs no key.",
  "GET /readyz":
    "Whether database and configured mounts answer; 503 names in `unready` what does not. Needs no key.",
  "GET /v1/health/tenants":
    "How all tenants are, counted: `{ totalTenants, byPlan, byStatus, totalUsers, totalBytes, avgUsersPerTenant, avgBytesPerTenant, above80, failingMounts }`. Platform key.",
  "GET /metrics":
    "Metrics in the text format of Prometheus, without a name of a tenant, key or path. Needs no key from the server's own machine, elsewhere the platform key.",
};

/** Routes of files stand for all that begins with them. */
const ofFiles: ReadonlySet<string> = new Set([
  "/v1/files",
  "/v1/append",
  "/v1/stat",
  "/v1/list",
  "/v1/versions",
]);

const nameOf = (method: string, url: string): string =>
  `${method} ${ofFiles.has(url) ? `${url}/{path}` : url.replaceAll(/:(\w+)/g, "{$1}")}`;

const routesTable = (): string => {
  const served = routes.map(({ method, url }) => nameOf(method, url));
  const missing = served.filter((name) => does[name] === undefined);
  const gone = Object.keys(does).filter((name) => !served.includes(name));
  if (missing.length > 0)
    throw new Error(`scripts/reference/routes.ts says nothing of ${missing.join(", ")}`);
  if (gone.length > 0)
    throw new Error(`There is no ${gone.join(", ")}; correct scripts/reference/routes.ts`);
  return table(
    ["route", "does"],
    Object.entries(does).map(([name, text]) => [code(name), text]),
  );
};

const [begin, end] = ["<!-- routes: generated -->", "<!-- end of routes -->"];

/** Puts the table of routes between its two marks in `docs/reference/http.md`. Throws where they are not there. */
export const withRoutes = (page: string): string => {
  const [before, rest, ...more] = page.split(begin);
  const [, after, ...others] = (rest ?? "").split(end);
  if (before === undefined || after === undefined || more.length + others.length > 0)
    throw new Error(`docs/reference/http.md needs '${begin}' and '${end}', once each.`);
  return `${before}${begin}\n\n${routesTable()}\n\n${end}${after}`;
};
