import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { type Outcome, runCli, type RunOptions } from "./test/session.ts";

// What the commands ask and how they show what they are told; what a server makes of it is tried with the server.

interface Sent {
  readonly line: string;
  readonly headers: Headers;
  readonly body: unknown;
}
let sent: Sent[] = [];
/** What is answered to a method and path, without its query. */
let answers: Record<string, unknown> = {};

const fake: typeof fetch = async (input, init) => {
  const url = new URL(input instanceof Request ? input.url : input);
  const method = init?.method ?? "GET";
  sent.push({
    line: `${method} ${url.pathname.replace("/v1/", "")}${url.search}`,
    headers: new Headers(init?.headers),
    body: typeof init?.body === "string" ? JSON.parse(init.body) : undefined,
  });
  const answer = answers[`${method} ${url.pathname.replace("/v1/", "")}`];
  if (answer === undefined)
    return Response.json(
      {
        type: "t",
        title: "t",
        status: 404,
        detail: "There is none.",
        code: "not-found",
        requestId: "r",
        retryable: false,
      },
      { status: 404, headers: { "Content-Type": "application/problem+json" } },
    );
  return answer === null ? new Response(null, { status: 204 }) : Response.json(answer);
};

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "bulkhead-cli-"));
});
afterAll(() => rm(folder, { recursive: true }));
beforeEach(() => {
  sent = [];
  answers = {};
});

const cli = (argv: readonly string[], options: RunOptions = {}): Promise<Outcome> =>
  runCli(argv, {
    cwd: folder,
    fetch: fake,
    env: { BULKHEAD_URL: "http://server:1", BULKHEAD_KEY: "k" },
    ...options,
  });
const asked = (): unknown[] =>
  sent.map(({ line, body }) => (body === undefined ? [line] : [line, body]));
const page = (...items: readonly unknown[]) => ({ items, next: null });

const at = "2026-11-21T12:00:00.000Z";
const relation = {
  id: "r1",
  tenant: "acme",
  subject: "user:bob",
  subjectTenant: "beta",
  relation: "viewer",
  object: "file:/workspace/acme/x",
  model: null,
  createdAt: at,
  createdBy: "user:alice",
  expiresAt: null,
  condition: null,
};
const whoami = {
  principal: {
    kind: "identity",
    keyId: "k",
    subject: { type: "user", id: "alice" },
    expiresAt: null,
  },
  tenant: "acme",
  home: "/workspace/acme",
  bounds: [],
  scopes: [],
  limits: null,
  rateLimits: null,
};

describe("grant, revoke and check", () => {
  it("name a path, or what else relations are on", async () => {
    answers["POST relations"] = { ...relation, revision: "7" };
    const made = await cli([
      "grant",
      "user:bob",
      "viewer",
      "/x/",
      "--subject-tenant=beta",
      "--expires=2030-01-01",
      "--json",
    ]);
    expect(JSON.parse(made.out)).toEqual({ ...relation, revision: "7" });
    for (const object of ["tenant:acme", "group:staff", "file:/x/", "doc:1"])
      expect((await cli(["grant", "user:a", "admin", object, "--model", "m"])).code).toBe(0);
    const [first, ...rest] = asked();
    expect(first).toEqual([
      "POST relations",
      {
        subject: "user:bob",
        subjectTenant: "beta",
        relation: "viewer",
        object: "file:/x",
        expiresAt: "2030-01-01T00:00:00.000Z",
      },
    ]);
    expect(rest).toMatchObject(
      ["tenant:acme", "group:staff", "file:/x", "doc:1"].map((object) => [
        "POST relations",
        { object, model: "m" },
      ]),
    );
    const wrong = await cli(["grant", "user:a", "viewer", "x"]);
    expect([wrong.code, sent.length]).toEqual([2, 5]);
    expect(wrong.err).toContain("group:<id>");
  });

  it("go into a model of the tenant's own, under a condition", async () => {
    answers["POST relations"] = { ...relation, revision: "7" };
    answers["POST check"] = { allowed: true, revision: "1" };
    const soon = ["--condition", "soon", "--context", '{"days":3}'];
    const granted = await cli(["grant", "user:a", "reader", "doc:1", "--model", "docs", ...soon]);
    const context = ["--context", '{"now":1}'];
    await cli(["check", "user:a", "can_read", "doc:1", "--model", "docs", ...context]);
    expect(granted.code).toBe(0);
    const question = { subject: "user:a", object: "doc:1", model: "docs" };
    expect(asked()).toEqual([
      [
        "POST relations",
        { ...question, relation: "reader", condition: { name: "soon", context: { days: 3 } } },
      ],
      ["POST check", { ...question, permission: "can_read", context: { now: 1 } }],
    ]);
    for (const wrong of [context, ["--condition", "soon", "--context", "[1]"]])
      expect((await cli(["grant", "user:a", "reader", "doc:1", ...wrong])).code).toBe(2);
  });

  it("take back by id, or by what was granted", async () => {
    answers["DELETE relations/r1"] = { id: "r1", revision: "8" };
    answers["GET relations"] = page(relation);
    expect((await cli(["revoke", "r1"])).code).toBe(0);
    const flags = ["--tenant", "acme", "--subject-tenant", "beta", "--json"];
    const by = await cli(["revoke", "user:bob", "viewer", "/x", ...flags]);
    expect(JSON.parse(by.out)).toEqual({ id: "r1", revoked: true });
    expect(asked()).toEqual([
      ["DELETE relations/r1"],
      ["GET relations?tenant=acme&subject=user%3Abob&relation=viewer&object=file%3A%2Fx"],
      ["DELETE relations/r1"],
    ]);
    answers["GET relations"] = page();
    expect((await cli(["revoke", "user:bob", "viewer", "/x"])).code).toBe(3);
    expect((await cli(["revoke", "other"])).code).toBe(3);
    for (const argv of [
      ["user:bob", "viewer"],
      ["a", "b", "/c", "d"],
    ])
      expect((await cli(["revoke", ...argv])).code).toBe(2);
  });

  it("answer by word, document and exit code", async () => {
    answers["POST check"] = { allowed: true, revision: "1" };
    expect(await cli(["check", "user:bob", "can_read", "/x"])).toMatchObject({
      code: 0,
      out: "allowed\n",
      err: "",
    });
    answers["POST check"] = { allowed: false, revision: "1", reason: "indeterminate" };
    expect(await cli(["check", "user:bob", "can_read", "/x"])).toMatchObject({
      code: 10,
      out: "denied (indeterminate)\n",
      err: "",
    });
    const json = await cli(["check", "user:bob", "can_read", "/x", "--json"]);
    expect([json.code, JSON.parse(json.out)]).toEqual([10, answers["POST check"]]);
    expect(asked()[0]).toEqual([
      "POST check",
      { subject: "user:bob", permission: "can_read", object: "file:/x" },
    ]);
  });
});

it("explain shows the questions in their order, with what they found", async () => {
  const facts = {
    none: [],
    bounds: ["/a", "/b"],
    touches: [
      { path: "/x", chain: [], misses: [{ why: "blocked", relation: "a b" }, { why: "ended" }] },
      { path: "/y", deep: { mount: { at: "/", on: true } } },
    ],
  };
  const explanation = {
    decision: "denied",
    code: "forbidden",
    subject: "user:bob@acme",
    tenantStatus: "active",
    steps: [
      { step: "path", outcome: "allowed", detail: "It is one.", facts: {} },
      { step: "relations", outcome: "denied", detail: "None.", facts },
    ],
  };
  answers["POST explain"] = explanation;
  const told = await cli(["explain", "copy", "/x", "--to", "/y/", "--subject", "user:bob"]);
  expect([told.code, told.out]).toEqual([
    0,
    [
      "denied (forbidden) for user:bob@acme",
      "STEP       OUTCOME  WHY",
      "path       allowed  It is one.",
      "relations  denied   None.",
      "                      bounds: /a, /b",
      "                      touches:",
      "                        path: /x",
      "                        misses:",
      "                          why blocked, relation a b",
      "                          why ended",
      "                        path: /y",
      "                        deep:",
      "                          mount: at /, on true",
      "",
    ].join("\n"),
  ]);
  expect(JSON.parse((await cli(["explain", "read", "/x", "--json"])).out)).toEqual(explanation);
  expect(asked()).toEqual([
    ["POST explain", { operation: "copy", path: "/x", to: "/y", subject: "user:bob" }],
    ["POST explain", { operation: "read", path: "/x" }],
  ]);
  expect((await cli(["explain", "eat", "/x"])).code).toBe(2);
});

it("relation ls and audit", async () => {
  answers["GET relations"] = page(relation);
  const table = await cli(["relation", "audit"]);
  expect(table.out).toBe(
    [
      "ID  SUBJECT           RELATION  OBJECT                  TENANT  EXPIRES  BY",
      "r1  user:bob of beta  viewer    file:/workspace/acme/x  acme    -        user:alice",
      "",
    ].join("\n"),
  );
  const listed = await cli([
    "relation",
    "ls",
    "--subject=user:bob",
    "--relation=viewer",
    "--object=/x",
    "--tenant=acme",
    "--model=m",
    "--json",
  ]);
  expect(JSON.parse(listed.out)).toEqual(relation);
  expect(asked()).toEqual([
    ["GET relations?crossing=true"],
    ["GET relations?subject=user%3Abob&relation=viewer&tenant=acme&model=m&object=file%3A%2Fx"],
  ]);
});

describe("users and groups", () => {
  const user = {
    tenant: "acme",
    type: "agent",
    id: "bot",
    email: null,
    fullName: "A Bot",
    role: "member",
    status: "active",
    createdAt: at,
    updatedAt: at,
  };

  it("are the key's own tenant's, unless one is named", async () => {
    answers["GET whoami"] = whoami;
    answers["POST tenants/acme/users"] = user;
    answers["GET tenants/beta/users"] = page(user);
    const profile = ["--email", "b@acme.com", "--name", "A Bot", "--role", "editor"];
    expect((await cli(["user", "create", "agent:bot", ...profile])).out).toContain("A Bot");
    expect((await cli(["user", "ls", "--tenant", "beta", "--type", "agent"])).out).toBe(
      "ID         ROLE    STATUS  E-MAIL  NAME\nagent:bot  member  active  -       A Bot\n",
    );
    expect(asked()).toEqual([
      ["GET whoami"],
      [
        "POST tenants/acme/users",
        { id: "bot", type: "agent", email: "b@acme.com", fullName: "A Bot", role: "editor" },
      ],
      ["GET tenants/beta/users?type=agent"],
    ]);
    answers["GET whoami"] = { ...whoami, tenant: null };
    const nowhere = await cli(["user", "ls"]);
    expect([nowhere.code, nowhere.err]).toEqual([2, expect.stringContaining("--tenant <id>")]);
  });

  it("are shown, changed and removed", async () => {
    answers["GET tenants/acme/users/a%40b.c"] = user;
    answers["PATCH tenants/acme/users/a%40b.c"] = user;
    answers["DELETE tenants/acme/users/a%40b.c"] = null;
    answers["DELETE tenants/acme/users/bot"] = null;
    const of = ["--tenant", "acme"];
    expect((await cli(["user", "get", "a@b.c", ...of])).code).toBe(0);
    const changes = ["--email", "", "--status", "suspended"];
    expect((await cli(["user", "set", "a@b.c", ...of, ...changes])).code).toBe(0);
    expect((await cli(["user", "set", "a@b.c", ...of, "--role", "king"])).code).toBe(2);
    const gone = await cli(["user", "rm", "a@b.c", "agent:bot", "none", ...of, "--json"]);
    expect([gone.code, gone.out]).toEqual([
      3,
      '{"id":"a@b.c","type":"user","removed":true}\n{"id":"bot","type":"agent","removed":true}\n',
    ]);
    expect(asked()).toEqual([
      ["GET tenants/acme/users/a%40b.c?type=user"],
      ["PATCH tenants/acme/users/a%40b.c?type=user", { email: null, status: "suspended" }],
      ["DELETE tenants/acme/users/a%40b.c?type=user"],
      ["DELETE tenants/acme/users/bot?type=agent"],
      ["DELETE tenants/acme/users/none?type=user"],
    ]);
  });

  it("come together", async () => {
    const member = { ...relation, relation: "member", object: "group:staff", subjectTenant: null };
    const group = { tenant: "acme", id: "staff", createdAt: at };
    answers["POST tenants/acme/groups"] = group;
    answers["GET tenants/acme/groups"] = page(group);
    answers["POST relations"] = { ...member, revision: "1" };
    answers["GET relations"] = page(member);
    answers["DELETE relations/r1"] = { id: "r1", revision: "2" };
    answers["DELETE tenants/acme/groups/staff"] = null;
    const of = ["--tenant", "acme"];
    const run = async (...argv: string[]): Promise<string> => {
      const { code, out, err } = await cli(["group", ...argv, ...of]);
      expect([argv, code, err]).toEqual([argv, 0, ""]);
      return out;
    };
    expect(await run("create", "staff")).toContain("staff");
    expect(await run("ls")).toBe("ID     CREATED\nstaff  2026-11-21 12:00\n");
    await run("add", "staff", "user:bob", "user:eve", "--expires", "2030-01-01");
    expect(await run("members", "staff")).toBe(
      "SUBJECT   EXPIRES  BY\nuser:bob  -        user:alice\n",
    );
    await run("remove", "staff", "user:bob");
    await run("rm", "staff");
    const membership = { tenant: "acme", relation: "member", object: "group:staff" };
    const expiresAt = "2030-01-01T00:00:00.000Z";
    expect(asked().slice(2)).toEqual([
      ["POST relations", { ...membership, subject: "user:bob", expiresAt }],
      ["POST relations", { ...membership, subject: "user:eve", expiresAt }],
      ["GET relations?tenant=acme&relation=member&object=group%3Astaff"],
      ["GET relations?tenant=acme&relation=member&object=group%3Astaff&subject=user%3Abob"],
      ["DELETE relations/r1"],
      ["DELETE tenants/acme/groups/staff"],
    ]);
    answers["GET relations"] = page();
    expect((await cli(["group", "remove", "staff", "user:bob", ...of])).code).toBe(3);
  });
});

it("share create, ls, revoke", async () => {
  const share = {
    id: "s1",
    sourceTenant: "acme",
    targetTenant: null,
    subject: null,
    path: "/x",
    target: null,
    permission: "can_read",
    createdAt: at,
    createdBy: "user:alice",
    expiresAt: null,
    maxUses: 3,
    uses: 0,
    status: "active",
  };
  answers["POST shares"] = { ...share, url: "/v1/links/tok" };
  answers["GET shares"] = page(share);
  answers["DELETE shares/s1"] = null;
  const link = ["share", "create", "/x", "--link", "--max-uses", "3", "--password", "-"];
  const made = await cli([...link, "--expires-in", "0.5", "-q"], { stdin: "geheim\nmore" });
  expect(made).toMatchObject({ code: 0, out: "http://server:1/v1/links/tok\n" });
  const told = await cli(link, { stdin: "p\r\n" });
  expect([told.out, told.err]).toEqual([
    expect.stringContaining("http://server:1/v1/links/tok"),
    expect.stringContaining("shown this once"),
  ]);
  await cli(["share", "create", "/x", "--tenant", "beta", "--permission", "can_write"]);
  expect((await cli(["share", "ls", "--status", "active", "--tenant", "beta"])).out).toBe(
    [
      "ID  STATUS  FROM  WITH  PERMISSION  EXPIRES  PATH  FOUND AT",
      "s1  active  acme  link  can_read    -        /x    -",
      "",
    ].join("\n"),
  );
  expect((await cli(["share", "revoke", "s1", "s2", "--json"])).code).toBe(3);
  expect(asked()).toEqual([
    ["POST shares", { path: "/x", link: true, maxUses: 3, password: "geheim", expiresInDays: 0.5 }],
    ["POST shares", { path: "/x", link: true, maxUses: 3, password: "p" }],
    ["POST shares", { path: "/x", tenant: "beta", permission: "can_write" }],
    ["GET shares?status=active&tenant=beta"],
    ["DELETE shares/s1"],
    ["DELETE shares/s2"],
  ]);
  for (const targets of [[], ["--link", "--tenant", "b"]])
    expect((await cli(["share", "create", "/x", ...targets])).code).toBe(2);
  expect((await cli(["share", "create", "/x", "--link", "--expires-in", "0"])).code).toBe(2);
  expect((await cli(link)).code).toBe(2);
});

it("model put, ls, get, rm", async () => {
  const source = "model\n  schema 1.1\n";
  const model = { name: "docs", tenant: "acme", source, createdAt: at, updatedAt: at };
  answers["POST models"] = model;
  answers["GET models"] = page(model);
  answers["GET models/docs"] = model;
  answers["DELETE models/docs"] = null;
  await writeFile(join(folder, "docs.fga"), source);
  expect((await cli(["model", "put", "docs", "docs.fga"])).out).not.toContain("schema");
  expect(
    (await cli(["model", "put", "docs", "-", "--tenant", "acme"], { stdin: source })).code,
  ).toBe(0);
  expect((await cli(["model", "put", "docs", "none.fga"])).code).toBe(1);
  expect((await cli(["model", "ls"])).out).toContain("docs  acme    2026-11-21 12:00");
  expect((await cli(["model", "get", "docs"])).out).toBe(source);
  expect((await cli(["model", "rm", "docs", "none"])).code).toBe(3);
  expect(asked()).toEqual([
    ["POST models", { name: "docs", source }],
    ["POST models", { name: "docs", source, tenant: "acme" }],
    ["GET models"],
    ["GET models/docs"],
    ["DELETE models/docs"],
    ["DELETE models/none"],
  ]);
});

it("--as and --namespace go with every request", async () => {
  answers["GET whoami"] = whoami;
  await cli(["--as", "user:bob", "--namespace", "tenant:acme", "whoami"]);
  expect([sent[0]?.headers.get("bulkhead-as"), sent[0]?.headers.get("bulkhead-namespace")]).toEqual(
    ["user:bob", "tenant:acme"],
  );
});
