import { encodePath, parseRequestPath } from "@bulkhead/contract";
import { listPage } from "@bulkhead/wire";
import { z } from "zod";
import type { Operation, Range } from "../call.ts";
import { bodyOf, grantedOf, lineOf, mintedOf, objectOf, subjectOf } from "./bodies.ts";
import type { Caller, Front, Spoken } from "./front.ts";

const problem = z.object({ code: z.string() });

const target = (path: string): string => encodePath(parseRequestPath(path));

const rangeOf = (range: Range): string =>
  "suffix" in range ? `bytes=-${range.suffix}` : `bytes=${range.start}-${range.end ?? ""}`;

interface Sending {
  readonly method: string;
  readonly target: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly json?: unknown;
  readonly body?: string;
}

const post = (path: string, json: unknown): Sending => ({ method: "POST", target: path, json });

const timeOf = (at: number | undefined): string | undefined =>
  at === undefined ? undefined : new Date(at).toISOString();

const sendingOf = (operation: Operation): Sending => {
  switch (operation.op) {
    case "stat":
      return { method: "GET", target: `/v1/stat${target(operation.path)}` };
    case "read":
      return {
        method: "GET",
        target: `/v1/files${target(operation.path)}${operation.version === undefined ? "" : `?version=${operation.version}`}`,
        ...(operation.range && { headers: { Range: rangeOf(operation.range) } }),
      };
    case "versions":
      return { method: "GET", target: `/v1/versions${target(operation.path)}` };
    case "restore":
      return post("/v1/restore", { path: operation.path, version: operation.version });
    case "list": {
      const query = new URLSearchParams();
      if (operation.recursive) query.set("recursive", "true");
      if (operation.pageSize !== undefined) query.set("limit", String(operation.pageSize));
      return { method: "GET", target: `/v1/list${target(operation.path)}?${query.toString()}` };
    }
    case "write":
      return {
        method: "PUT",
        target: `/v1/files${target(operation.path)}`,
        body: operation.content,
        headers: {
          ...(operation.type !== undefined && { "Content-Type": operation.type }),
          ...(operation.meta !== undefined && { "Bulkhead-Meta-note": operation.meta }),
          ...(operation.mode === "create" && { "If-None-Match": "*" }),
          ...(operation.etag !== undefined && { "If-Match": `"${operation.etag}"` }),
        },
      };
    case "append":
      return {
        method: "POST",
        target: `/v1/append${target(operation.path)}`,
        body: operation.content,
      };
    case "mkdir": {
      const { path, parents } = operation;
      return post("/v1/mkdir", { path, ...(parents && { parents, existOk: true }) });
    }
    case "remove":
      return {
        method: "DELETE",
        target: `/v1/files${target(operation.path)}${operation.recursive ? "?recursive=true" : ""}`,
        ...(operation.etag !== undefined && { headers: { "If-Match": `"${operation.etag}"` } }),
      };
    case "copy":
    case "move": {
      const { from, to, overwrite, etag } = operation;
      const mode = overwrite ? "overwrite" : "create";
      return post(`/v1/${operation.op}`, { from, to, mode, ifMatch: etag });
    }
    case "glob":
      return post("/v1/glob", { pattern: operation.pattern, path: operation.path });
    case "whoami":
      return { method: "GET", target: "/v1/whoami" };
    case "mint": {
      const { prefix, subject, tenant, scopes, expiresAt } = operation;
      return post("/v1/keys", {
        name: "k",
        tenant,
        workspacePrefix: prefix,
        scopes,
        expiresAt: timeOf(expiresAt),
        ...(subject !== undefined && { subject: subjectOf(subject) }),
      });
    }
    case "narrow": {
      const { id, scopes, prefix } = operation;
      return {
        method: "PATCH",
        target: `/v1/keys/${id}`,
        json: { scopes, workspacePrefix: prefix },
      };
    }
    case "revoke":
      return { method: "DELETE", target: `/v1/keys/${operation.id}` };
    case "rotate":
      return post(`/v1/keys/${operation.id}/rotate`, { overlapSeconds: operation.overlapSeconds });
    case "user": {
      const { tenant, subject, role } = operation;
      return post(`/v1/tenants/${tenant}/users`, { ...subjectOf(subject), role });
    }
    case "removeUser": {
      const { type, id } = subjectOf(operation.subject);
      return {
        method: "DELETE",
        target: `/v1/tenants/${operation.tenant}/users/${id}?type=${type}`,
      };
    }
    case "group":
      return post(`/v1/tenants/${operation.tenant}/groups`, { id: operation.id });
    case "removeGroup":
      return { method: "DELETE", target: `/v1/tenants/${operation.tenant}/groups/${operation.id}` };
    case "grant": {
      const { subject, subjectTenant, relation, expiresAt } = operation;
      const granted = { subject, subjectTenant, relation, expiresAt: timeOf(expiresAt) };
      return post("/v1/relations", { ...granted, ...objectOf(operation) });
    }
    case "ungrant":
      return { method: "DELETE", target: `/v1/relations/${operation.id}` };
    case "check": {
      const { subject, subjectTenant, permission } = operation;
      return post("/v1/check", { subject, subjectTenant, permission, ...objectOf(operation) });
    }
    case "create":
      return post("/v1/tenants", { id: operation.tenant, root: operation.root });
    case "limit": {
      const { tenant, bytes, files } = operation;
      return { method: "PUT", target: `/v1/tenants/${tenant}/quota`, json: { bytes, files } };
    }
    case "suspend":
    case "reactivate":
      return post(`/v1/tenants/${operation.tenant}/${operation.op}`, {});
    case "delete": {
      const confirm = operation.confirmed ? `?confirm=${operation.tenant}` : "";
      return { method: "DELETE", target: `/v1/tenants/${operation.tenant}${confirm}` };
    }
    default:
      return operation satisfies never;
  }
};

const send = (
  caller: Caller,
  { method, target: path, headers, json, body }: Sending,
): Promise<Response> =>
  caller.fetch(`${caller.url}${path}`, {
    method,
    headers: {
      Authorization: `Bearer ${caller.key}`,
      ...(caller.within !== undefined && { "Bulkhead-Workspace-Prefix": target(caller.within) }),
      ...(json !== undefined && { "Content-Type": "application/json" }),
      ...headers,
    },
    ...(json !== undefined && { body: JSON.stringify(json) }),
    // As bytes: to a text `fetch` adds a type of its own.
    ...(body !== undefined && { body: Buffer.from(body) }),
  });

/** All pages of a listing, in the words of the model. */
const listed = async (caller: Caller, sending: Sending, first: Response): Promise<Spoken> => {
  const entries: string[] = [];
  let page = listPage.parse(await first.json());
  for (;;) {
    entries.push(...page.entries.map(lineOf));
    if (page.next === null) return { status: first.status, body: { entries } };
    const next = await send(caller, {
      ...sending,
      target: `${sending.target}&after=${encodeURIComponent(page.next)}`,
    });
    page = listPage.parse(await next.json());
  }
};

/** Plain HTTP. */
export const http: Front = {
  name: "http",
  speaks: () => true,
  perform: async (caller, operation) => {
    const sending = sendingOf(operation);
    const response = await send(caller, sending);
    const { status } = response;
    if (!response.ok) return { status, code: problem.parse(await response.json()).code };
    if (operation.op === "list") return listed(caller, sending, response);
    const bytes = Buffer.from(await response.arrayBuffer());
    if (operation.op === "read") {
      const contentType = response.headers.get("content-type");
      return { status, body: { content: bytes.toString("latin1"), contentType } };
    }
    if (status === 204 || status === 202) return { status };
    const json: unknown = JSON.parse(bytes.toString());
    const [minted, granted] = [mintedOf(operation, json), grantedOf(operation, json)];
    return { status, body: bodyOf(operation, json), minted, granted };
  },
};
