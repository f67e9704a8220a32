// With an audit log that takes no entry nothing is changed: on no storage, and by no call of the control plane.
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { deprovision } from "@bulkhead/backend-postgres";
import { openSql, query, type Sql, waitFor } from "@bulkhead/harness";
import { encodeUploadMetadata } from "@bulkhead/wire";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { routes } from "../../packages/front-http/src/routes/index.ts";
import { type Answer, type Api, api, member, mintKey } from "../support/api.ts";
import { placements } from "../support/placements.ts";
import { startServer, type TestServer } from "../support/start-server.ts";

const configurations = {
  ...placements,
  versioned: `
defaultPlacement: versioned
placements: { versioned: { backend: versioned }, aside: { backend: versioned } }
backends: { scratch: { backend: memory } }
`,
} as const;

const model = "model\n  schema 1.1\ntype a\n";

const refuse = `
  create function public.refuse() returns trigger language plpgsql as $$ begin raise exception 'no room'; end $$;
  create trigger refuse before insert on bulkhead.audit for each row execute function public.refuse()`;
const allow = "drop trigger refuse on bulkhead.audit; drop function public.refuse()";

/** What says nothing of what anybody did: claims that were given back, what was counted, who was refused, what waits. */
const aside =
  /^(?:intent|upload|idempotency|refusal|lease|usage_|key$|schema|audit_head|tree$|accounted_mount|quota_watch|rate|plan)/;

const tus = { "tus-resumable": "1.0.0" };

const begun = (by: Api, path: string, size: number) => () =>
  by.send("POST", "/v1/uploads", {
    headers: {
      ...tus,
      "upload-length": String(size),
      "upload-metadata": encodeUploadMetadata({ path }),
    },
  });

/** One request for each route that changes something. */
const requests = (
  platform: Api,
  tenant: Api,
  ids: Readonly<Record<string, string>>,
  plan: unknown = {},
): Readonly<Record<string, () => Promise<Answer>>> => {
  const at = (target: string): string =>
    target.replace(/\{(\w+)\}/g, (_all, name: string) => ids[name] ?? "");
  const by = (who: Api, method: string, target: string, body?: unknown) => () =>
    who.send(method, at(target), body === undefined ? {} : { body });
  const post = (target: string, body: unknown, who: Api = tenant) => by(who, "POST", target, body);
  return {
    "PUT /v1/files": by(tenant, "PUT", "/v1/files/new", "x"),
    "PUT /v1/files (over)": by(tenant, "PUT", "/v1/files/f", "x"),
    "PUT /v1/files (large)": by(tenant, "PUT", "/v1/files/large", "x".repeat(100_000)),
    "DELETE /v1/files": by(tenant, "DELETE", "/v1/files/f"),
    "DELETE /v1/files (directory)": by(tenant, "DELETE", "/v1/files/d?recursive=true"),
    "POST /v1/append": by(tenant, "POST", "/v1/append/f", "x"),
    "POST /v1/mkdir": post("/v1/mkdir", { path: "/made" }),
    "POST /v1/mkdir (tenant)": post("/v1/mkdir", { path: "/workspace/made" }, platform),
    "POST /v1/copy": post("/v1/copy", { from: "/f", to: "/copied" }),
    "POST /v1/copy (directory)": post("/v1/copy", { from: "/d", to: "/copied" }),
    "POST /v1/move": post("/v1/move", { from: "/f", to: "/moved" }),
    "POST /v1/move (directory)": post("/v1/move", { from: "/d", to: "/moved" }),
    "POST /v1/restore": post("/v1/restore", { path: "/f", version: at("{version}") }),
    "POST /v1/keys": post("/v1/keys", { name: "n", workspacePrefix: "/workspace/acme" }),
    "PATCH /v1/keys/{id}": by(tenant, "PATCH", "/v1/keys/{key}", { name: "other" }),
    "DELETE /v1/keys/{id}": by(tenant, "DELETE", "/v1/keys/{key}"),
    "POST /v1/keys/{id}/rotate": post("/v1/keys/{key}/rotate", {}),
    "POST /v1/tenants": post("/v1/tenants", { id: "other" }, platform),
    "PATCH /v1/tenants/{id}": by(platform, "PATCH", "/v1/tenants/acme", { name: "other" }),
    "DELETE /v1/tenants/{id}": by(platform, "DELETE", "/v1/tenants/acme?confirm=acme"),
    "POST /v1/tenants/{id}/suspend": post("/v1/tenants/acme/suspend", {}, platform),
    "POST /v1/tenants/{id}/reactivate": post("/v1/tenants/acme/reactivate", {}, platform),
    "POST /v1/tenants/{id}/upgrade": post("/v1/tenants/acme/upgrade", { plan: "pro" }, platform),
    "PUT /v1/tenants/{id}/quota": by(platform, "PUT", "/v1/tenants/acme/quota", { seats: 6 }),
    "POST /v1/tenants/{id}/quota/{resource}/increment": post(
      "/v1/tenants/acme/quota/seats/increment",
      {},
      platform,
    ),
    "POST /v1/tenants/{id}/quota/{resource}/decrement": post(
      "/v1/tenants/acme/quota/seats/decrement",
      {},
      platform,
    ),
    "POST /v1/tenants/{id}/users": post("/v1/tenants/acme/users", { id: "v" }),
    "PATCH /v1/tenants/{id}/users/{user}": by(tenant, "PATCH", "/v1/tenants/acme/users/u", {
      fullName: "U",
    }),
    "DELETE /v1/tenants/{id}/users/{user}": by(tenant, "DELETE", "/v1/tenants/acme/users/u"),
    "POST /v1/tenants/{id}/groups": post("/v1/tenants/acme/groups", { id: "more" }),
    "DELETE /v1/tenants/{id}/groups/{group}": by(tenant, "DELETE", "/v1/tenants/acme/groups/staff"),
    "POST /v1/tenants/{id}/move": post("/v1/tenants/acme/move", { placement: "aside" }, platform),
    "POST /v1/jobs/{id}/abort": post(
      "/v1/jobs/00000000-0000-4000-8000-000000000000/abort",
      {},
      platform,
    ),
    "POST /v1/mounts/apply": post("/v1/mounts/apply", plan, platform),
    "DELETE /v1/mounts/{id}": by(platform, "DELETE", "/v1/mounts/{mount}"),
    "POST /v1/mounts/{id}/rotate": post(
      "/v1/mounts/{mount}/rotate",
      { credentials: { accessKeyId: "a", secretAccessKey: "b" } },
      platform,
    ),
    "POST /v1/directory": post("/v1/directory", { tenant: "far", region: "us" }, platform),
    "DELETE /v1/directory/{id}": by(platform, "DELETE", "/v1/directory/far"),
    "POST /v1/relations": post("/v1/relations", {
      subject: "user:u",
      relation: "editor",
      object: "file:/workspace/acme/f",
    }),
    "DELETE /v1/relations/{id}": by(tenant, "DELETE", "/v1/relations/{relation}"),
    "POST /v1/models": post("/v1/models", { name: "m", source: model }),
    "DELETE /v1/models/{name}": by(tenant, "DELETE", "/v1/models/known"),
    // A part that is not the last changes nothing that anybody sees, and neither does giving an upload up.
    "POST /v1/uploads": begun(tenant, "/begun", 0),
    "PATCH /v1/uploads/{id}": () =>
      tenant.send("PATCH", at("{upload}"), {
        body: "all",
        headers: {
          ...tus,
          "upload-offset": "0",
          "content-type": "application/offset+octet-stream",
        },
      }),
    "POST /v1/shares": post("/v1/shares", { path: "/f", link: true }),
    "DELETE /v1/shares/{id}": by(tenant, "DELETE", "/v1/shares/{share}"),
  };
};

describe.each(Object.entries(configurations))("on %s", (_, config) => {
  let server: TestServer;
  let sql: Sql;
  let platform: Api;
  let tenant: Api;
  let ids: Record<string, string>;
  let plan: unknown;

  beforeAll(async () => {
    server = await startServer({ config });
    sql = await openSql(server.databaseUrl);
    platform = api(server.url, server.platformKey);
    const made = await platform.send("POST", "/v1/tenants", { body: { id: "acme" } });
    if (made.status === 202)
      await waitFor(async () =>
        /"state":"done"/.test((await platform.send("GET", `/v1/jobs/${member(made, "job")}`)).text),
      );
    const key = await mintKey(platform, {
      name: "admin",
      workspacePrefix: "/workspace/acme",
      scopes: ["read", "write", "share", "admin"],
    });
    tenant = api(server.url, key);
    await tenant.send("PUT", "/v1/files/f", { body: "old" });
    await tenant.send("PUT", "/v1/files/f", { body: "content" });
    await tenant.send("PUT", "/v1/files/d/g", { body: "below" });
    const made2 = async (target: string, body: unknown, name = "id"): Promise<string> =>
      member(await tenant.send("POST", target, { body }), name);
    await platform.send("PUT", "/v1/tenants/acme/quota", { body: { seats: 5 } });
    await platform.send("POST", "/v1/tenants/acme/quota/seats/increment", { body: {} });
    await platform.send("POST", "/v1/tenants/acme/users", { body: { id: "u" } });
    await tenant.send("POST", "/v1/models", {
      body: { name: "known", source: model },
    });
    await platform.send("POST", "/v1/tenants/acme/groups", { body: { id: "staff" } });
    const planned = async (at: string): Promise<unknown> => {
      const add = [{ path: `/workspace/acme/${at}`, backend: "scratch" }];
      return (await platform.send("POST", "/v1/mounts/plan", { body: { add } })).json;
    };
    let mount = "none";
    if (config.includes("backends")) {
      await platform.send("POST", "/v1/mounts/apply", { body: await planned("here") });
      mount = /"id":"([^"]+)"/.exec((await platform.send("GET", "/v1/mounts")).text)?.[1] ?? "";
      plan = await planned("there");
    }
    ids = {
      mount,
      key: await made2("/v1/keys", { name: "k", workspacePrefix: "/workspace/acme/d" }),
      relation: await made2("/v1/relations", {
        subject: "user:u",
        relation: "viewer",
        object: "file:/workspace/acme/d",
      }),
      share: await made2("/v1/shares", { path: "/f", link: true }),
      upload: (await begun(tenant, "/in-parts", 3)()).headers.get("location") ?? "",
      version:
        /"version":"([^"]+)"/.exec((await tenant.send("GET", "/v1/versions/f")).text)?.[1] ?? "",
    };
  }, 60_000);
  afterAll(async () => {
    const made = await query(
      server.databaseUrl,
      "select database_name as name from bulkhead.tenant where database_name is not null",
    );
    for (const { name } of made)
      await deprovision({ adminUrl: server.databaseUrl, name: String(name) });
    await sql.close();
    await server[Symbol.asyncDispose]();
  });

  /** Every row that says what is. */
  const state = async (): Promise<Record<string, unknown>> => {
    const tables = await sql.run(
      "select relname as name from pg_class where relnamespace = 'bulkhead'::regnamespace and relkind in ('r', 'p') and not relispartition order by 1",
    );
    const found: Record<string, unknown> = {};
    for (const { name } of tables)
      if (!aside.test(String(name)))
        found[String(name)] = (
          await sql.run(
            `select count(*)::int as rows, md5(coalesce(string_agg(t::text, ',' order by t::text), '')) as text from bulkhead.${String(name)} t`,
          )
        )[0];
    found["key"] = (
      await sql.run(
        "select count(*)::int as n, count(revoked_at)::int as revoked, md5(string_agg(name || coalesce(expires_at::text, ''), ',' order by id)) from bulkhead.key",
      )
    )[0];
    // What a storage holds by itself, below what it keeps for itself.
    const files = await readdir(server.dataDir, { recursive: true, withFileTypes: true });
    for (const file of files.filter((entry) => entry.isFile()))
      if (
        !/\.bulkhead|journals|postgres|platform-key|master-key|content|uploads/.test(
          file.parentPath + file.name,
        )
      )
        found[file.name] = await readFile(join(file.parentPath, file.name), "utf8");
    found["read"] = (await tenant.send("GET", "/v1/files/f")).text;
    found["listed"] = (await tenant.send("GET", "/v1/list/?recursive=true")).text;
    return found;
  };

  it(
    "no change happens, and each is made once entries are taken again",
    { timeout: 60_000 },
    async () => {
      const before = await state();
      const all = requests(platform, tenant, ids, plan);
      await sql.run(refuse);
      const answers: Record<string, number> = {};
      try {
        for (const [name, send] of Object.entries(all)) answers[name] = (await send()).status;
        expect(await state()).toEqual(before);
      } finally {
        await sql.run(allow);
      }
      // None succeeded. All came as far as their entry, but for what would have to be there first, or in the configuration.
      const refused = Object.entries(answers).filter(([, status]) => status < 500);
      const elsewhere = config.includes("backends") ? [] : absent;
      const before500 = [
        "POST /v1/jobs/{id}/abort",
        "POST /v1/mounts/{id}/rotate",
        "POST /v1/directory",
        "DELETE /v1/directory/{id}",
        ...elsewhere,
      ];
      expect(refused.filter(([, status]) => status < 400)).toEqual([]);
      expect(refused.map(([name]) => name).filter((name) => !before500.includes(name))).toEqual([]);
      expect((await all["PUT /v1/files"]?.())?.status).toBe(201);
      expect(await state()).not.toEqual(before);
    },
  );

  it("where a tenant wants to know who reads, nothing of a content is told before that is recorded", async () => {
    await platform.send("POST", "/v1/tenants", { body: { id: "beta" } });
    const beta = async (): Promise<Answer> =>
      platform.send("GET", "/v1/files/workspace/beta/shared/from-acme/f");
    await waitFor(
      async () => (await platform.send("GET", "/v1/stat/workspace/beta")).status === 200,
    );
    const shared = { path: "/f", tenant: "beta" };
    expect((await tenant.send("POST", "/v1/shares", { body: shared })).status).toBe(201);
    const url = member(
      await tenant.send("POST", "/v1/shares", { body: { path: "/f", link: true } }),
      "url",
    );
    const link = api(server.url, undefined);
    const target = new URL(url, server.url).pathname;
    const audits = async (auditReads: unknown): Promise<number> =>
      (await tenant.send("PATCH", "/v1/tenants/acme", { body: { settings: { auditReads } } }))
        .status;
    const entries = (): Promise<readonly Readonly<Record<string, unknown>>[]> =>
      sql.run(
        `select a.actor, a.resource from bulkhead.audit a join bulkhead.tenant t on t.uid = a.tenant
           where t.id = 'acme' and a.action = 'read' and a.result = 'SUCCESS' order by a.n`,
      );
    const get = (at: string, headers = {}) => tenant.send("GET", at, { headers });
    const grep = () => tenant.send("POST", "/v1/grep", { body: { pattern: "el.w" } });
    const out = { from: "/workspace/acme/d/g", to: "/workspace/beta/taken" };

    await tenant.send("PUT", "/v1/files/big", { body: "content ".repeat(100_000) });

    // Not asked for: nothing is recorded.
    await get("/v1/files/f");
    expect(await entries()).toEqual([]);
    expect(await audits("yes")).toBe(400);
    expect(await audits(true)).toBe(200);
    const told = [
      await get("/v1/files/f"),
      await get("/v1/files/f", { range: "bytes=0-1" }),
      await grep(),
      await beta(),
      await link.send("GET", target),
      await platform.send("POST", "/v1/copy", { body: out }),
      await get("/v1/files/big"),
    ];
    expect(told.map(({ status }) => status)).toEqual([200, 206, 200, 200, 200, 201, 200]);
    // What tells no content is no reading.
    const etag = told[0]?.headers.get("etag") ?? "";
    await get("/v1/files/f", { "if-none-match": etag });
    for (const at of ["/v1/stat/f", "/v1/list/"]) await get(at);
    await tenant.send("HEAD", "/v1/files/f");
    const recorded = await entries();
    const [f, g] = ["/workspace/acme/f", "/workspace/acme/d/g"];
    expect(recorded.map((entry) => entry["resource"])).toEqual([
      f,
      f,
      g,
      f,
      f,
      g,
      "/workspace/acme/big",
    ]);
    expect(recorded[4]?.actor).toBe("link");

    await sql.run(refuse);
    try {
      const kept = [
        await get("/v1/files/f"),
        await get("/v1/files/big"),
        await grep(),
        await beta(),
        await link.send("GET", target),
      ];
      for (const { status, text } of kept) {
        expect(status).toBeGreaterThanOrEqual(500);
        expect(text).not.toMatch(/content|below/);
      }
      expect((await get("/v1/stat/f")).status).toBe(200);
    } finally {
      await sql.run(allow);
    }
    expect(await audits(false)).toBe(200);
    await get("/v1/files/f");
    expect(await entries()).toHaveLength(7);
    expect(await tenant.send("GET", "/v1/audit/verify")).toMatchObject({ json: { ok: true } });
  }, 60_000);
});

/** What needs versions, a placement or a mount that the other servers do not have. */
const absent: readonly string[] = [
  "POST /v1/restore",
  "POST /v1/tenants/{id}/move",
  "POST /v1/mounts/apply",
  "DELETE /v1/mounts/{id}",
  "POST /v1/mounts/{id}/rotate",
];

it("every route that changes something was tried", () => {
  const looking =
    /\/(?:glob|grep|search|check|check\/batch|expand|explain|list-objects|list-subjects|plan|quota\/audit)$/;
  const urls = routes
    .filter(({ method, url }) => method !== "GET" && !looking.test(url))
    .filter(({ method, url }) => `${method} ${url}` !== "DELETE /v1/uploads/:id")
    .map(({ method, url }) => `${method} ${url.replace(/:(\w+)/g, "{$1}")}`);
  const none = api("", undefined);
  const tried = new Set(
    Object.keys(requests(none, none, {})).map((name) => name.replace(/ \(.*/, "")),
  );
  expect([...tried].toSorted()).toEqual([...new Set(urls)].toSorted());
});
