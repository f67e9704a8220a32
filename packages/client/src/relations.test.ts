import { createServer } from "node:http";
import type { WireRelation, WireShare, WireUser } from "@bulkhead/wire";
import { afterAll, beforeAll, beforeEach, expect, it } from "vitest";
import {
  ConflictError,
  InvalidRequestError,
  NotFoundError,
  openLink,
  PermissionError,
  RemoteFS,
} from "./index.ts";

// What is sent, and what becomes of the answers; what a server makes of it is tried with the server.

interface Sent {
  readonly method: string;
  readonly target: string;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: unknown;
}
interface Reply {
  readonly status?: number;
  readonly json?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  readonly text?: string;
}

let sent: Sent[] = [];
let replies: Reply[] = [];
let url = "";
let fs: RemoteFS;
const server = createServer((request, response) => {
  let text = "";
  request.on("data", (chunk: Buffer) => (text += chunk.toString()));
  request.on("end", () => {
    sent.push({
      method: request.method ?? "",
      target: request.url ?? "",
      headers: request.headers,
      body: text === "" ? undefined : JSON.parse(text),
    });
    const { status = 200, json, headers = {}, text: plain } = replies.shift() ?? { status: 500 };
    const type = status >= 400 ? "application/problem+json" : "application/json";
    response.writeHead(status, { "Content-Type": type, ...headers });
    response.end(plain ?? (json === undefined ? "" : JSON.stringify(json)));
  });
});
beforeAll(async () => {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("It listens on a port.");
  url = `http://127.0.0.1:${address.port}`;
  fs = new RemoteFS({ url: `${url}/base/`, apiKey: "k" });
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
});
beforeEach(() => {
  sent = [];
  replies = [];
});

/** What was sent, in a line each: the method, the target below `/v1`, the body. */
const lines = (): unknown[] =>
  sent.map(({ method, target, body }) => [
    `${method} ${target.replace("/base/v1/", "")}`,
    ...(body === undefined ? [] : [body]),
  ]);
const all = async <T>(items: AsyncIterable<T>): Promise<T[]> => Array.fromAsync(items);
const page = (items: readonly unknown[], next: string | null = null): Reply => ({
  json: { items, next },
});

const relation: WireRelation = {
  id: "r 1",
  tenant: "acme",
  subject: "user:bob",
  subjectTenant: null,
  relation: "viewer",
  object: "file:/workspace/acme/x",
  model: null,
  createdAt: "2026-11-21T12:00:00.000Z",
  createdBy: "user:alice",
  expiresAt: null,
  condition: null,
};
const user: WireUser = {
  tenant: "acme",
  type: "user",
  id: "a@b.c",
  email: null,
  fullName: null,
  role: "member",
  status: "active",
  createdAt: "2026-11-21T12:00:00.000Z",
  updatedAt: "2026-11-21T12:00:00.000Z",
};

it("grants, lists and revokes relations", async () => {
  const input = { subject: "user:bob", relation: "viewer", object: "file:/workspace/acme/x" };
  replies = [
    { status: 201, json: { ...relation, revision: "7" } },
    page([relation], "n1"),
    page([relation]),
    { json: { id: "r 1", revision: "8" } },
  ];
  expect(await fs.relations.grant(input)).toEqual({ ...relation, revision: "7" });
  expect(
    await all(fs.relations.list({ subject: "user:bob", crossing: true }, { pageSize: 1 })),
  ).toHaveLength(2);
  expect(await fs.relations.revoke("r 1")).toEqual({ id: "r 1", revision: "8" });
  expect(lines()).toEqual([
    ["POST relations", input],
    ["GET relations?subject=user%3Abob&crossing=true&limit=1"],
    ["GET relations?subject=user%3Abob&crossing=true&limit=1&after=n1"],
    ["DELETE relations/r%201"],
  ]);
  expect(sent[0]?.headers["idempotency-key"]).toMatch(/^[0-9a-f]{32}$/);
  await expect(fs.relations.revoke("..")).rejects.toBeInstanceOf(InvalidRequestError);
});

it("revokes what the words of a grant name, and nothing beside it", async () => {
  const other = { ...relation, id: "r2", relation: "editor" };
  const below = { ...relation, id: "r3", object: `${relation.object}/*` };
  const foreign = { ...relation, id: "r4", subjectTenant: "beta" };
  const revoked = (id: string): Reply => ({ json: { id, revision: "9" } });
  const { subject, object } = relation;
  const granted = { subject, relation: "viewer", object };
  const { revokeMatching } = fs.relations;
  const deleted = (): unknown[] =>
    sent.splice(0).flatMap(({ method, target }) => (method === "DELETE" ? [target.at(-1)] : []));
  replies = [page([relation, below, other]), revoked("r 1"), revoked("r2")];
  expect(await revokeMatching(granted)).toEqual([relation, other]);
  expect(deleted()).toEqual(["1", "2"]);
  replies = [page([relation, below]), revoked("r3")];
  expect(await revokeMatching({ ...granted, object: `${object}/**` })).toEqual([below]);
  expect(deleted()).toEqual(["3"]);
  replies = [page([relation, foreign]), page([relation, foreign]), revoked("r4")];
  await expect(revokeMatching(granted)).rejects.toBeInstanceOf(ConflictError);
  expect(deleted()).toEqual([]);
  expect(await revokeMatching({ ...granted, subjectTenant: "beta" })).toEqual([foreign]);
  expect(deleted()).toEqual(["4"]);
  replies = [page([relation, foreign]), revoked("r 1"), page([])];
  expect(await revokeMatching({ ...granted, subjectTenant: "acme" })).toEqual([relation]);
  expect(deleted()).toEqual(["1"]);
  await expect(revokeMatching(granted)).rejects.toBeInstanceOf(NotFoundError);
});

it("asks, without naming what changes nothing", async () => {
  const tree = { kind: "leaf", name: "file:/a#viewer", subjects: ["user:bob"] };
  replies = [
    { json: { allowed: false, revision: "1", reason: "indeterminate" } },
    { json: { results: [{ allowed: true, revision: "1" }] } },
    { json: { tree } },
    page(["file:/a"], "n"),
    page(["file:/b"]),
    page(["user:bob"]),
    { json: { allowed: true, revision: "1" } },
  ];
  const question = { subject: "user:bob", permission: "can_read", object: "file:/a" };
  expect(await fs.relations.check(question)).toMatchObject({ reason: "indeterminate" });
  expect(await fs.relations.checkBatch([question])).toEqual([{ allowed: true, revision: "1" }]);
  expect(await fs.relations.expand({ relation: "viewer", object: "file:/a" })).toEqual(tree);
  const objects = fs.relations.listObjects({ subject: "user:bob", permission: "can_read" });
  expect(await all(objects)).toEqual(["file:/a", "file:/b"]);
  const subjects = { permission: "can_read", object: "file:/a" };
  expect(await all(fs.relations.listSubjects(subjects, { pageSize: 5 }))).toEqual(["user:bob"]);
  expect(await fs.check("user:bob", "can_write", "/a b")).toBe(true);
  expect(lines()).toEqual([
    ["POST check", question],
    ["POST check/batch", { checks: [question] }],
    ["POST expand", { relation: "viewer", object: "file:/a" }],
    ["POST list-objects", { subject: "user:bob", permission: "can_read" }],
    ["POST list-objects", { subject: "user:bob", permission: "can_read", after: "n" }],
    ["POST list-subjects", { ...subjects, limit: 5 }],
    ["POST check", { subject: "user:bob", permission: "can_write", object: "file:/a b" }],
  ]);
  for (const { headers } of sent) expect(headers["idempotency-key"]).toBeUndefined();
  await expect(fs.check("user:bob", "can_read", "/a/../b")).rejects.toBeInstanceOf(
    InvalidRequestError,
  );
});

it("explains", async () => {
  const explanation = {
    decision: "denied",
    code: "not-found",
    subject: "user:bob@acme",
    tenantStatus: "active",
    steps: [{ step: "relations", outcome: "denied", detail: "None.", facts: { misses: [] } }],
  };
  replies = [{ json: explanation }];
  expect(await fs.explain("move", "/a", { to: "/b", subject: "user:bob" })).toEqual(explanation);
  expect(lines()).toEqual([
    ["POST explain", { operation: "move", path: "/a", to: "/b", subject: "user:bob" }],
  ]);
  await expect(fs.explain("read", "a")).rejects.toBeInstanceOf(InvalidRequestError);
});

it("keeps users and groups", async () => {
  const group = { tenant: "acme", id: "staff", createdAt: "2026-11-21T12:00:00.000Z" };
  const membership = { ...relation, relation: "member", object: "group:staff" };
  replies = [
    { status: 201, json: user },
    page([user]),
    { json: user },
    { json: { ...user, role: "admin" } },
    { status: 204 },
    { status: 201, json: group },
    page([group]),
    { status: 201, json: { ...membership, revision: "1" } },
    page([membership]),
    page([membership]),
    { json: { id: "r 1", revision: "2" } },
    { status: 204 },
  ];
  const { users, groups } = fs;
  expect(await users.create("acme", { id: "a@b.c", role: "member" })).toEqual(user);
  expect(await all(users.list("acme", { type: "agent" }))).toEqual([user]);
  expect(await users.get("acme", "a@b.c", { type: "user" })).toEqual(user);
  expect(await users.update("acme", "a@b.c", { role: "admin" })).toMatchObject({ role: "admin" });
  await users.delete("acme", "bot", { type: "agent" });
  expect(await groups.create("acme", "staff")).toEqual(group);
  expect(await all(groups.list("acme"))).toEqual([group]);
  await groups.add("acme", "staff", "user:bob", { expiresAt: "2030-01-01T00:00:00Z" });
  expect(await all(groups.members("acme", "staff"))).toEqual([membership]);
  await groups.remove("acme", "staff", "user:bob");
  await groups.delete("acme", "staff");
  const member = { tenant: "acme", relation: "member", object: "group:staff" };
  expect(lines()).toEqual([
    ["POST tenants/acme/users", { id: "a@b.c", role: "member" }],
    ["GET tenants/acme/users?type=agent"],
    ["GET tenants/acme/users/a%40b.c?type=user"],
    ["PATCH tenants/acme/users/a%40b.c", { role: "admin" }],
    ["DELETE tenants/acme/users/bot?type=agent"],
    ["POST tenants/acme/groups", { id: "staff" }],
    ["GET tenants/acme/groups"],
    ["POST relations", { ...member, subject: "user:bob", expiresAt: "2030-01-01T00:00:00Z" }],
    ["GET relations?tenant=acme&relation=member&object=group%3Astaff"],
    ["GET relations?tenant=acme&relation=member&object=group%3Astaff&subject=user%3Abob"],
    ["DELETE relations/r%201"],
    ["DELETE tenants/acme/groups/staff"],
  ]);
});

it("keeps models", async () => {
  const model = {
    name: "docs",
    tenant: "acme",
    source: "model",
    createdAt: "2026-11-21T12:00:00.000Z",
    updatedAt: "2026-11-21T12:00:00.000Z",
  };
  replies = [{ status: 201, json: model }, { json: model }, page([model]), { status: 204 }];
  expect(await fs.models.put({ name: "docs", source: "model" })).toEqual(model);
  expect(await fs.models.get("docs", { tenant: "acme" })).toEqual(model);
  expect(await all(fs.models.list({ tenant: "acme" }))).toEqual([model]);
  await fs.models.delete("docs");
  expect(lines()).toEqual([
    ["POST models", { name: "docs", source: "model" }],
    ["GET models/docs?tenant=acme"],
    ["GET models?tenant=acme"],
    ["DELETE models/docs"],
  ]);
});

it("shares, and opens links by the address that it told", async () => {
  const share: WireShare = {
    id: "s1",
    sourceTenant: "acme",
    targetTenant: null,
    subject: null,
    path: "/a",
    target: null,
    permission: "can_read",
    createdAt: "2026-11-21T12:00:00.000Z",
    createdBy: "user:alice",
    expiresAt: null,
    maxUses: 2,
    uses: 0,
    status: "active",
  };
  replies = [
    { status: 201, json: { ...share, url: "/v1/links/tok" } },
    { status: 201, json: { ...share, url: null, replayed: true } },
    page([share]),
    { status: 204 },
    { text: "content", headers: { ETag: '"e"' } },
    {
      status: 403,
      json: {
        type: "t",
        title: "t",
        status: 403,
        detail: "d",
        code: "forbidden",
        requestId: "r",
        retryable: false,
      },
    },
  ];
  const made = await fs.shares.create({ path: "/a", link: true, expiresInDays: 7 });
  expect(made.url).toBe(`${url}/base/v1/links/tok`);
  expect((await fs.shares.create({ path: "/a", link: true })).url).toBeNull();
  expect(await all(fs.shares.list({ tenant: "beta", status: "active" }))).toEqual([share]);
  await fs.shares.revoke("s1");
  const range = { start: 1, end: 3 };
  const content = await openLink(made.url ?? "", { password: "ü%", range });
  expect(content.etag).toBe("e");
  expect(await new Response(content.stream).text()).toBe("content");
  await expect(openLink(made.url ?? "")).rejects.toBeInstanceOf(PermissionError);
  expect(lines()).toEqual([
    ["POST shares", { path: "/a", link: true, expiresInDays: 7 }],
    ["POST shares", { path: "/a", link: true }],
    ["GET shares?tenant=beta&status=active"],
    ["DELETE shares/s1"],
    ["GET links/tok"],
    ["GET links/tok"],
  ]);
  expect(sent[4]?.headers).toMatchObject({
    "bulkhead-link-password": "%C3%BC%25",
    range: "bytes=1-3",
  });
  for (const { headers } of sent.slice(4)) expect(headers.authorization).toBeUndefined();
  expect(sent[5]?.headers).not.toHaveProperty("bulkhead-link-password");
});

it("acts for somebody, in every call of that client and in no other", async () => {
  replies = [{ json: user }, { json: user }, { json: user }, { json: user }];
  const plain = new RemoteFS({ url, apiKey: "k", namespace: "tenant:acme" });
  const acting = plain.as("user:ä@b.c");
  await acting.users.get("acme", "a");
  await acting.as("agent:x", "tenant:beta").users.get("acme", "a");
  await plain.users.get("acme", "a");
  await new RemoteFS({ url, apiKey: "k", as: "user:b" }).users.get("acme", "a");
  expect(
    sent.map(({ headers }) => [headers["bulkhead-as"], headers["bulkhead-namespace"]]),
  ).toEqual([
    ["user:%C3%A4@b.c", "tenant:acme"],
    ["agent:x", "tenant:beta"],
    [undefined, "tenant:acme"],
    ["user:b", undefined],
  ]);
});
