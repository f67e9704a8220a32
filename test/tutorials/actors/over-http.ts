import {
  acceptedJob,
  checkAnswer,
  grepAnswer,
  headerNames,
  listPage,
  problemSchema,
  quotaAnswer,
  quotaEntries,
  recordPage,
  upgradePreview,
  usageReport,
  wireAuditEntry,
  wireExplanation,
  wireGrant,
  wireGroup,
  wireJob,
  wireKey,
  wireMintedKey,
  wireRelation,
  wireShare,
  wireTenant,
  wireUser,
  wireVersion,
  wireWhoAmI,
} from "@bulkhead/wire";
import { waitFor } from "@bulkhead/harness";
import { z } from "zod";
import { type Actor, type ActorOptions, hearing, Refused } from "./actor.ts";

const encoded = (path: string): string => path.split("/").map(encodeURIComponent).join("/");
const paths = z.object({ paths: z.array(z.string()) });
const memberOf = (tenant: string, group: string) => ({
  tenant,
  relation: "member",
  object: `group:${group}`,
});
const userAt = (tenant: string, id: string, type = "user"): string =>
  `/v1/tenants/${tenant}/users/${encodeURIComponent(id)}?type=${type}`;
const json = { "Content-Type": "application/json" };

interface Sending {
  readonly method?: string;
  readonly body?: string | undefined;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Speaks `/v1` by nothing but `fetch`. */
export const overHttp = (options: ActorOptions): Actor => {
  const fetch = hearing(options);
  const { url, key, workspacePrefix, as, namespace } = options;

  const send = async (target: string, sending: Sending = {}): Promise<Response> => {
    const { method = "GET", body, headers } = sending;
    const response = await fetch(`${url}${target}`, {
      method,
      ...(body !== undefined && { body }),
      headers: {
        Authorization: `Bearer ${key}`,
        ...(workspacePrefix !== undefined && {
          [headerNames.workspacePrefix]: encoded(workspacePrefix),
        }),
        ...(as !== undefined && { [headerNames.as]: as }),
        ...(namespace !== undefined && { [headerNames.namespace]: namespace }),
        ...headers,
      },
    });
    if (response.ok) return response;
    const problem = problemSchema.parse(await response.json());
    throw new Refused(problem.code, String(response.status), problem.detail);
  };
  const done = async (target: string, sending?: Sending): Promise<void> => {
    await (await send(target, sending)).text();
  };
  const ask = async <T>(schema: z.ZodType<T>, target: string, sending?: Sending): Promise<T> =>
    schema.parse(await (await send(target, sending)).json());
  const post = (body: unknown): Sending => ({
    method: "POST",
    body: JSON.stringify(body),
    headers: json,
  });
  const patch = (body: unknown): Sending => ({ ...post(body), method: "PATCH" });
  const all = async <T>(item: z.ZodType<T>, target: string, filter = {}): Promise<readonly T[]> => {
    const found: T[] = [];
    const query = new URLSearchParams({ ...filter, limit: "1000" });
    for (let next: string | null = ""; next !== null;) {
      if (next !== "") query.set("after", next);
      const page: { items: readonly T[]; next: string | null } = await ask(
        recordPage(item),
        `${target}?${query.toString()}`,
      );
      found.push(...page.items);
      next = page.next;
    }
    return found;
  };
  const ofTenant = (tenant: string | undefined) => (tenant === undefined ? {} : { tenant });

  return {
    write: (path, text) => done(`/v1/files${encoded(path)}`, { method: "PUT", body: text }),
    append: (path, text) => done(`/v1/append${encoded(path)}`, { method: "POST", body: text }),
    read: async (path) => (await send(`/v1/files${encoded(path)}`)).text(),
    stat: (path) => done(`/v1/stat${encoded(path)}`),
    list: async (path) =>
      (await ask(listPage, `/v1/list${encoded(path)}?limit=1000`)).entries.map(({ name }) => name),
    mkdir: (path) => done("/v1/mkdir", post({ path })),
    remove: (path) => done(`/v1/files${encoded(path)}`, { method: "DELETE" }),
    removeTree: (path) => done(`/v1/files${encoded(path)}?recursive=true`, { method: "DELETE" }),
    copy: (from, to) => done("/v1/copy", post({ from, to })),
    move: (from, to) => done("/v1/move", post({ from, to })),
    find: async (path) => (await ask(paths, "/v1/glob", post({ path, pattern: "**" }))).paths,
    grep: async (word, path) =>
      (await ask(grepAnswer, "/v1/grep", post({ path, pattern: word }))).matches.map(
        ({ text }) => text,
      ),
    versions: (path) => all(wireVersion, `/v1/versions${encoded(path)}`),
    readVersion: async (path, version) =>
      (await send(`/v1/files${encoded(path)}?version=${version}`)).text(),
    restore: (path, version) => done("/v1/restore", post({ path, version })),
    whoami: () => ask(wireWhoAmI, "/v1/whoami"),
    mintKey: (input) => ask(wireMintedKey, "/v1/keys", post(input)),
    listKeys: (tenant) => all(wireKey, "/v1/keys", ofTenant(tenant)),
    getKey: (id) => ask(wireKey, `/v1/keys/${id}`),
    narrowKey: (id, changes) => ask(wireKey, `/v1/keys/${id}`, patch(changes)),
    rotateKey: (id, overlapSeconds) =>
      ask(wireMintedKey, `/v1/keys/${id}/rotate`, post({ overlapSeconds })),
    revokeKey: (id) => done(`/v1/keys/${id}`, { method: "DELETE" }),
    makeTenant: (id, more) => ask(wireTenant, "/v1/tenants", post({ id, ...more })),
    upgradeTenant: (id, plan) => ask(wireTenant, `/v1/tenants/${id}/upgrade`, post({ plan })),
    previewUpgrade: (id, plan) =>
      ask(upgradePreview, `/v1/tenants/${id}/upgrade`, post({ plan, preview: true })),
    usage: (id) => ask(usageReport, `/v1/tenants/${id}/usage`),
    getQuota: (id) => ask(quotaEntries, `/v1/tenants/${id}/quota`),
    setQuota: (id, limits, soft = {}) => {
      const names = [...new Set([...Object.keys(limits), ...Object.keys(soft)])];
      const body = names.map((name) => [name, { limit: limits[name], soft: soft[name] }] as const);
      const sending = { ...post(Object.fromEntries(body)), method: "PUT" };
      return ask(quotaEntries, `/v1/tenants/${id}/quota`, sending);
    },
    count: (verb, id, resource, amount) =>
      ask(quotaAnswer, `/v1/tenants/${id}/quota/${resource}/${verb}`, post({ amount })),
    getTenant: (id) => ask(wireTenant, `/v1/tenants/${id}`),
    listTenants: async () => (await all(wireTenant, "/v1/tenants")).map(({ id }) => id),
    limitTenant: (id, limits) => done(`/v1/tenants/${id}`, patch({ limits })),
    suspend: (id) => done(`/v1/tenants/${id}/suspend`, post({})),
    reactivate: (id) => done(`/v1/tenants/${id}/reactivate`, post({})),
    deleteTenant: async (id) => {
      const target = `/v1/tenants/${id}?confirm=${id}&grace=P0D`;
      const { job } = await ask(acceptedJob, target, { method: "DELETE" });
      await waitFor(async () => (await ask(wireJob, `/v1/jobs/${job}`)).state === "done");
    },
    makeUser: (tenant, input) => ask(wireUser, `/v1/tenants/${tenant}/users`, post(input)),
    getUser: (tenant, id, type) => ask(wireUser, userAt(tenant, id, type)),
    listUsers: (tenant, type) => all(wireUser, `/v1/tenants/${tenant}/users`, type && { type }),
    changeUser: (tenant, id, changes, type) =>
      ask(wireUser, userAt(tenant, id, type), patch(changes)),
    removeUser: (tenant, id, type) => done(userAt(tenant, id, type), { method: "DELETE" }),
    makeGroup: (tenant, id) => ask(wireGroup, `/v1/tenants/${tenant}/groups`, post({ id })),
    removeGroup: (tenant, id) => done(`/v1/tenants/${tenant}/groups/${id}`, { method: "DELETE" }),
    join: (tenant, group, subject) =>
      done("/v1/relations", post({ ...memberOf(tenant, group), subject })),
    leave: async (tenant, group, subject) => {
      const [found] = await all(wireRelation, "/v1/relations", {
        ...memberOf(tenant, group),
        subject,
      });
      await done(`/v1/relations/${found?.id}`, { method: "DELETE" });
    },
    grant: (input) => ask(wireGrant, "/v1/relations", post(input)),
    listRelations: (filter) => all(wireRelation, "/v1/relations", filter),
    revokeRelation: (id) => done(`/v1/relations/${id}`, { method: "DELETE" }),
    check: async (input) => (await ask(checkAnswer, "/v1/check", post(input))).allowed,
    explain: (operation, path, subject) =>
      ask(wireExplanation, "/v1/explain", post({ operation, path, subject })),
    share: (input) => ask(wireShare, "/v1/shares", post(input)),
    listShares: (filter) => all(wireShare, "/v1/shares", filter),
    revokeShare: (id) => done(`/v1/shares/${id}`, { method: "DELETE" }),
    audit: (tenant) => all(wireAuditEntry, "/v1/audit", ofTenant(tenant)),
  };
};
