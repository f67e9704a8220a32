import {
  BulkheadError,
  ConflictError,
  InvalidRequestError,
  NotFoundError,
  PermissionError,
  QuotaExceededError,
  RemoteNexusFS,
  UnauthenticatedError,
} from "@bulkhead/client";
import { type Actor, type ActorOptions, hearing, Refused } from "./actor.ts";

const classes = {
  PermissionError,
  UnauthenticatedError,
  NotFoundError,
  ConflictError,
  InvalidRequestError,
  QuotaExceededError,
};

/** The class that a program would catch. */
const signOf = (error: unknown): string =>
  Object.entries(classes).find(([, kind]) => error instanceof kind)?.[0] ?? "BulkheadError";

const all = async <T>(items: AsyncIterable<T>): Promise<readonly T[]> => {
  const found: T[] = [];
  for await (const item of items) found.push(item);
  return found;
};

/** Rejects with what was refused; everything else stays the failure it is. */
const telling = async <T>(act: () => Promise<T>): Promise<T> => {
  try {
    return await act();
  } catch (error) {
    if (!(error instanceof BulkheadError)) throw error;
    throw new Refused(error.code, signOf(error), error.message);
  }
};

/** Speaks through the TypeScript client, by the name that the pages give it. */
export const overClient = (options: ActorOptions): Actor => {
  const { url, key, workspacePrefix, as, namespace } = options;
  const remote = new RemoteNexusFS({
    url,
    apiKey: key,
    ...(workspacePrefix !== undefined && { workspacePrefix }),
    ...(as !== undefined && { as }),
    ...(namespace !== undefined && { namespace }),
    fetch: hearing(options),
  });
  const { keys, tenants, users, groups, relations, shares, audit, jobs } = remote;
  return {
    write: (path, text) => telling(async () => void (await remote.writeFile(path, text))),
    append: (path, text) => telling(async () => void (await remote.appendFile(path, text))),
    read: (path) => telling(() => remote.readFile(path, "utf8")),
    stat: (path) => telling(async () => void (await remote.stat(path))),
    list: (path) => telling(() => remote.readdir(path)),
    mkdir: (path) => telling(() => remote.mkdir(path)),
    remove: (path) => telling(() => remote.rm(path)),
    removeTree: (path) => telling(() => remote.rm(path, { recursive: true })),
    copy: (from, to) => telling(() => remote.cp(from, to)),
    move: (from, to) => telling(() => remote.rename(from, to)),
    find: (path) => telling(() => all(remote.glob("**", { path }))),
    grep: (word, path) =>
      telling(() => all(remote.grep(word, { path })).then((rows) => rows.map(({ text }) => text))),
    versions: (path) => telling(() => all(remote.versions(path))),
    readVersion: (path, version) =>
      telling(() => remote.readFile(path, { version, encoding: "utf8" })),
    restore: (path, version) => telling(async () => void (await remote.restore(path, version))),
    whoami: () => telling(() => remote.whoami()),
    mintKey: (input) => telling(() => keys.create(input)),
    listKeys: (tenant) => telling(() => all(keys.list({ tenant }))),
    getKey: (id) => telling(() => keys.get(id)),
    narrowKey: (id, changes) => telling(() => keys.update(id, changes)),
    rotateKey: (id, overlapSeconds) => telling(() => keys.rotate(id, { overlapSeconds })),
    revokeKey: (id) => telling(() => keys.revoke(id)),
    makeTenant: (id, more) => telling(() => tenants.create({ id, ...more })),
    upgradeTenant: (id, plan) => telling(() => tenants.upgrade(id, plan)),
    previewUpgrade: (id, plan) => telling(() => tenants.previewUpgrade(id, plan)),
    usage: (id) => telling(() => tenants.usage(id)),
    getQuota: (id) => telling(() => remote.quota.get(id)),
    setQuota: (id, limits, soft = {}) => {
      const names = [...new Set([...Object.keys(limits), ...Object.keys(soft)])];
      const input = names.map((name) => [name, { limit: limits[name], soft: soft[name] }] as const);
      return telling(() => remote.quota.set(id, Object.fromEntries(input)));
    },
    count: (verb, id, resource, amount) =>
      telling(() => remote.quota[verb](id, resource, { amount })),
    getTenant: (id) => telling(() => tenants.get(id)),
    listTenants: () => telling(() => all(tenants.list()).then((rows) => rows.map(({ id }) => id))),
    limitTenant: (id, limits) => telling(async () => void (await tenants.update(id, { limits }))),
    suspend: (id) => telling(async () => void (await tenants.suspend(id))),
    reactivate: (id) => telling(async () => void (await tenants.reactivate(id))),
    deleteTenant: (id) =>
      telling(async () => {
        const { job } = await tenants.delete(id, { confirm: id, grace: "P0D" });
        await jobs.wait(job);
      }),
    makeUser: (tenant, input) => telling(() => users.create(tenant, input)),
    getUser: (tenant, id, type) => telling(() => users.get(tenant, id, { type })),
    listUsers: (tenant, type) => telling(() => all(users.list(tenant, { type }))),
    changeUser: (tenant, id, patch, type) =>
      telling(() => users.update(tenant, id, patch, { type })),
    removeUser: (tenant, id, type) => telling(() => users.delete(tenant, id, { type })),
    makeGroup: (tenant, id) => telling(() => groups.create(tenant, id)),
    removeGroup: (tenant, id) => telling(() => groups.delete(tenant, id)),
    join: (tenant, group, subject) =>
      telling(async () => void (await groups.add(tenant, group, subject))),
    leave: (tenant, group, subject) => telling(() => groups.remove(tenant, group, subject)),
    grant: (input) => telling(() => relations.grant(input)),
    listRelations: (filter) => telling(() => all(relations.list(filter))),
    revokeRelation: (id) => telling(async () => void (await relations.revoke(id))),
    check: (input) => telling(async () => (await relations.check(input)).allowed),
    explain: (operation, path, subject) =>
      telling(() => remote.explain(operation, path, { subject })),
    share: (input) => telling(() => shares.create(input)),
    listShares: (filter) => telling(() => all(shares.list(filter))),
    revokeShare: (id) => telling(() => shares.revoke(id)),
    audit: (tenant) => telling(() => all(audit.list({ tenant }))),
  };
};
