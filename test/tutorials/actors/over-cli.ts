import { PassThrough, Readable } from "node:stream";
import {
  checkAnswer,
  quotaAnswer,
  quotaEntries,
  upgradePreview,
  usageReport,
  wireAuditEntry,
  wireExplanation,
  wireGrant,
  wireGroup,
  wireKey,
  wireMintedKey,
  wireRelation,
  wireShare,
  wireTenant,
  wireUser,
  wireVersion,
  wireWhoAmI,
} from "@bulkhead/wire";
import { run } from "bulkhead";
import { z } from "zod";
import { type Actor, type ActorOptions, hearing, Refused } from "./actor.ts";

const failure = z.object({ error: z.object({ code: z.string(), message: z.string() }) });
const named = z.object({ name: z.string() });
const whom = (id: string, type: string | undefined): string =>
  type === undefined || type === "user" ? id : `${type}:${id}`;
const found = z.object({ path: z.string() });
const match = z.object({ text: z.string() });
type Flags = readonly (readonly [name: string, value: string | undefined])[];

const gathering = (): { readonly stream: PassThrough; readonly text: () => string } => {
  const stream = new PassThrough();
  const chunks: Buffer[] = [];
  stream.on("data", (chunk: Buffer) => chunks.push(chunk));
  return { stream, text: () => Buffer.concat(chunks).toString() };
};

/** Only the flags that say something. */
const flags = (given: Flags): readonly string[] =>
  given.flatMap(([name, value]) => (value === undefined ? [] : [`--${name}`, value]));

/** Speaks through the command line, each call a run of it in this process. */
export const overCli = (options: ActorOptions): Actor => {
  const { url, key, workspacePrefix, as, namespace, heard } = options;
  const common = [
    "--json",
    ...flags([
      ["workspace-prefix", workspacePrefix],
      ["as", as],
      ["namespace", namespace],
    ]),
  ];

  /** `no` is what a command exits with whose answer is no. */
  const sh = async (argv: readonly string[], stdin = "", no = 0): Promise<string> => {
    const [out, err] = [gathering(), gathering()];
    const code = await run([...common, ...argv], {
      stdin: Readable.from([Buffer.from(stdin)]),
      stdout: out.stream,
      stderr: err.stream,
      isTTY: { stdin: false, stdout: false, stderr: false },
      env: { HOME: "/nonexistent", BULKHEAD_URL: url, BULKHEAD_KEY: key },
      cwd: "/",
      fetch: hearing(options),
    });
    await new Promise((resolve) => setImmediate(resolve));
    heard?.(`${out.text()}\n${err.text()}`);
    if (code === 0 || (code === no && err.text() === "")) return out.text();
    const { error } = failure.parse(JSON.parse(err.text().split("\n")[0] ?? ""));
    throw new Refused(error.code, String(code), error.message);
  };
  const done = async (argv: readonly string[], stdin?: string): Promise<void> => {
    await sh(argv, stdin);
  };
  const one = async <T>(schema: z.ZodType<T>, argv: readonly string[]): Promise<T> =>
    schema.parse(JSON.parse(await sh(argv)));
  const many = async <T>(schema: z.ZodType<T>, argv: readonly string[]): Promise<readonly T[]> =>
    (await sh(argv))
      .split("\n")
      .filter((line) => line !== "")
      .map((line) => schema.parse(JSON.parse(line)));

  return {
    write: (path, text) => done(["put", "-", path], text),
    append: (path, text) => done(["append", "-", path], text),
    read: (path) => sh(["cat", path]),
    stat: (path) => done(["stat", path]),
    list: async (path) => (await many(named, ["ls", path])).map(({ name }) => name),
    mkdir: (path) => done(["mkdir", path]),
    remove: (path) => done(["rm", path]),
    removeTree: (path) => done(["rm", "-r", "-y", path]),
    copy: (from, to) => done(["cp", from, to]),
    move: (from, to) => done(["mv", from, to]),
    find: async (path) => (await many(found, ["find", path])).map((row) => row.path),
    grep: async (word, path) => (await many(match, ["grep", word, path])).map(({ text }) => text),
    versions: (path) => many(wireVersion, ["version", "ls", path]),
    readVersion: (path, version) => sh(["version", "cat", path, version]),
    restore: (path, version) => done(["version", "restore", path, version]),
    whoami: () => one(wireWhoAmI, ["whoami"]),
    mintKey: ({ name, tenant, workspacePrefix: prefix, scopes, expiresAt, subject }) =>
      one(wireMintedKey, [
        "key",
        "create",
        ...flags([
          ["name", name],
          ["tenant", tenant],
          ["prefix", prefix],
          ["scopes", scopes?.join(",")],
          ["expires", expiresAt],
          ["subject", subject && `${subject.type}:${subject.id}`],
        ]),
      ]),
    listKeys: (tenant) => many(wireKey, ["key", "list", ...flags([["tenant", tenant]])]),
    getKey: (id) => one(wireKey, ["key", "get", id]),
    narrowKey: (id, { name, workspacePrefix: prefix, scopes, expiresAt }) =>
      one(wireKey, [
        "key",
        "update",
        id,
        ...flags([
          ["name", name],
          ["prefix", prefix],
          ["scopes", scopes?.join(",")],
          ["expires", expiresAt],
        ]),
      ]),
    rotateKey: (id, overlap) =>
      one(wireMintedKey, ["key", "rotate", id, ...flags([["overlap", overlap?.toString()]])]),
    revokeKey: (id) => done(["key", "revoke", id]),
    makeTenant: (id, { plan, trialDays } = {}) =>
      one(wireTenant, [
        "tenant",
        "create",
        id,
        ...flags([
          ["plan", plan],
          ["trial-days", trialDays?.toString()],
        ]),
      ]),
    upgradeTenant: (id, plan) => one(wireTenant, ["tenant", "upgrade", id, plan]),
    previewUpgrade: (id, plan) => one(upgradePreview, ["tenant", "upgrade", id, plan, "--preview"]),
    usage: (id) => one(usageReport, ["tenant", "usage", id]),
    getQuota: (id) => one(quotaEntries, ["quota", "get", id]),
    setQuota: (id, limits, soft = {}) =>
      one(quotaEntries, [
        "quota",
        "set",
        id,
        ...flags(Object.entries(limits).map(([name, value]) => ["limit", `${name}=${value}`])),
        ...flags(Object.entries(soft).map(([name, value]) => ["soft", `${name}=${value}`])),
      ]),
    // The command exits with 12 where the answer is no.
    count: async (verb, id, resource, amount) =>
      quotaAnswer.parse(
        JSON.parse(
          await sh(
            ["quota", verb, id, resource, ...flags([["amount", amount?.toString()]])],
            "",
            12,
          ),
        ),
      ),
    getTenant: (id) => one(wireTenant, ["tenant", "get", id]),
    listTenants: async () => (await many(wireTenant, ["tenant", "list"])).map(({ id }) => id),
    limitTenant: (id, limits) =>
      done([
        "tenant",
        "update",
        id,
        ...flags(Object.entries(limits).map(([name, value]) => ["limit", `${name}=${value}`])),
      ]),
    suspend: (id) => done(["tenant", "suspend", id]),
    reactivate: (id) => done(["tenant", "reactivate", id]),
    deleteTenant: (id) =>
      done(["tenant", "delete", id, "--confirm", id, "--grace", "P0D", "--wait"]),
    makeUser: (tenant, { id, type, email, fullName, role }) =>
      one(wireUser, [
        "user",
        "create",
        whom(id, type),
        "--tenant",
        tenant,
        ...flags([
          ["email", email],
          ["name", fullName],
          ["role", role],
        ]),
      ]),
    getUser: (tenant, id, type) =>
      one(wireUser, ["user", "get", whom(id, type), "--tenant", tenant]),
    listUsers: (tenant, type) =>
      many(wireUser, ["user", "ls", "--tenant", tenant, ...flags([["type", type]])]),
    changeUser: (tenant, id, { email, fullName, role, status }, type) =>
      one(wireUser, [
        "user",
        "set",
        whom(id, type),
        "--tenant",
        tenant,
        ...flags([
          ["email", email ?? (email === null ? "" : undefined)],
          ["name", fullName ?? (fullName === null ? "" : undefined)],
          ["role", role],
          ["status", status],
        ]),
      ]),
    removeUser: (tenant, id, type) => done(["user", "rm", whom(id, type), "--tenant", tenant]),
    makeGroup: (tenant, id) => one(wireGroup, ["group", "create", id, "--tenant", tenant]),
    removeGroup: (tenant, id) => done(["group", "rm", id, "--tenant", tenant]),
    join: (tenant, group, subject) => done(["group", "add", group, subject, "--tenant", tenant]),
    leave: (tenant, group, subject) =>
      done(["group", "remove", group, subject, "--tenant", tenant]),
    grant: ({ subject, relation, object, subjectTenant, tenant, expiresAt }) =>
      one(wireGrant, [
        "grant",
        subject,
        relation,
        object,
        ...flags([
          ["subject-tenant", subjectTenant],
          ["tenant", tenant],
          ["expires", expiresAt],
        ]),
      ]),
    listRelations: ({ tenant, subject, object, crossing }) =>
      many(wireRelation, [
        "relation",
        crossing === true ? "audit" : "ls",
        ...flags([
          ["tenant", tenant],
          ["subject", subject],
          ["object", object],
        ]),
      ]),
    revokeRelation: (id) => done(["revoke", id]),
    check: async ({ subject, permission, object, subjectTenant, tenant }) => {
      const asked = ["check", subject, permission, object];
      const about = flags([
        ["subject-tenant", subjectTenant],
        ["tenant", tenant],
      ]);
      return checkAnswer.parse(JSON.parse(await sh([...asked, ...about], "", 10))).allowed;
    },
    explain: (operation, path, subject) =>
      one(wireExplanation, ["explain", operation, path, ...flags([["subject", subject]])]),
    share: (input) =>
      one(wireShare, [
        "share",
        "create",
        input.path,
        ...(input.link === true ? ["--link"] : []),
        ...flags([
          ["tenant", input.tenant],
          ["subject", input.subject],
          ["permission", input.permission],
          ["expires", input.expiresAt],
          ["expires-in", input.expiresInDays?.toString()],
          ["max-uses", input.maxUses?.toString()],
          ["password", input.password],
        ]),
      ]),
    listShares: ({ tenant, status } = {}) =>
      many(wireShare, [
        "share",
        "ls",
        ...flags([
          ["tenant", tenant],
          ["status", status],
        ]),
      ]),
    revokeShare: (id) => done(["share", "revoke", id]),
    audit: (tenant) => many(wireAuditEntry, ["audit", "list", ...flags([["tenant", tenant]])]),
  };
};
