// Every operation of the document is called on a real server, and succeeds; what it answers is what the document says,
// by the document's own JSON Schemas. Then each is asked for what it does not expect.
import { join } from "node:path";
import { tempDir, type TempDir, waitFor } from "@bulkhead/harness";
import { afterAll, beforeAll, expect, test } from "vitest";
import { routeOf } from "../../packages/front-http/src/test/promised.ts";
import { type Answer, type Api, api, makeTenant, member, mintKey } from "../support/api.ts";
import { startServer, type TestServer } from "../support/start-server.ts";
import { askedWrongly, requests } from "./asked-wrongly.ts";
import { servedDocument, type ServedDocument } from "./served-document.ts";

let dir: TempDir;
let server: TestServer;
let platform: Api;
let acme: Api;
let served: ServedDocument;

beforeAll(async () => {
  dir = await tempDir();
  server = await startServer({
    config: `
region: eu
regions: { us: "http://127.0.0.1:9" }
placements: { first: { backend: versioned }, other: { backend: versioned, options: { root: ${join(dir.path, "other")} } } }
defaultPlacement: first
backends: { shelf: { backend: local, options: { root: ${join(dir.path, "shelf")} } } }
`,
  });
  platform = api(server.url, server.platformKey);
  acme = api(server.url, await makeTenant(platform, "acme", ["read", "write", "share", "admin"]));
  served = await servedDocument(server.url);
}, 180_000);
afterAll(async () => {
  await server?.[Symbol.asyncDispose]();
  await dir?.remove();
});

/** What a mount is rotated to is tried on its storage: a bucket, which is not there. */
const elsewhere = ["rotateMount"];

test("every operation succeeds, and answers as the document says", async () => {
  const seen = new Set<string>();
  const ask =
    (by: Api) =>
    async (
      method: string,
      target: string,
      body?: unknown,
      headers: Record<string, string> = {},
    ): Promise<Answer> => {
      const answer = await by.send(method, target, {
        headers,
        ...(body !== undefined && { body }),
      });
      const id = routeOf(method, target)?.id ?? "";
      expect(answer.status, `${method} ${target} ${answer.text}`).toBeLessThan(400);
      expect(served.faultsOf(id, answer)).toEqual([]);
      seen.add(id);
      return answer;
    };
  const [own, all] = [ask(acme), ask(platform)];
  const ended = (job: string): Promise<boolean> =>
    waitFor(async () => {
      const state = member(await all("GET", `/v1/jobs/${job}`), "state");
      return state === "done" || state === "dead";
    });

  for (const path of [
    "/health",
    "/livez",
    "/readyz",
    "/metrics",
    "/openapi.json",
    "/docs",
    "/docs/page.css",
  ])
    await all("GET", path);

  await own("PUT", "/v1/files/data/a.txt", "one");
  await own("PUT", "/v1/files/data/a.txt", "two");
  await own("GET", "/v1/files/data/a.txt");
  await own("POST", "/v1/append/data/a.txt", "three");
  await own("GET", "/v1/stat/data/a.txt");
  await own("GET", "/v1/list/data?recursive=true&limit=1");
  await own("POST", "/v1/mkdir", { path: "/made" });
  await own("POST", "/v1/copy", { from: "/data/a.txt", to: "/made/b.txt" });
  await own("POST", "/v1/move", { from: "/made/b.txt", to: "/made/c.txt" });
  await own("POST", "/v1/glob", { pattern: "**/*.txt" });
  await own("POST", "/v1/grep", { pattern: "t.o" });
  const past = await own("GET", "/v1/versions/data/a.txt");
  const version = /"version":"([^"]+)"/.exec(past.text)?.[1];
  await own("POST", "/v1/restore", { path: "/data/a.txt", version });
  await own("GET", "/v1/changes?limit=2");
  await own("DELETE", "/v1/files/made?recursive=true");

  const tus = { "tus-resumable": "1.0.0" };
  const begun = await own("POST", "/v1/uploads", undefined, {
    ...tus,
    "upload-length": "6",
    "upload-metadata": `path ${Buffer.from("/data/parts.txt").toString("base64")}`,
  });
  const upload = begun.headers.get("location") ?? "";
  const part = { ...tus, "upload-offset": "0", "content-type": "application/offset+octet-stream" };
  await own("PATCH", upload, "one", part);
  await own("HEAD", upload, undefined, tus);
  await own("DELETE", upload, undefined, tus);

  const minted = member(
    await all("POST", "/v1/keys", { name: "k", workspacePrefix: "/workspace/acme" }),
    "id",
  );
  await own("GET", "/v1/keys");
  await all("GET", `/v1/keys/${minted}`);
  await all("PATCH", `/v1/keys/${minted}`, { scopes: ["read"] });
  await all("POST", `/v1/keys/${minted}/rotate`, { overlapSeconds: 5 });
  await all("DELETE", `/v1/keys/${minted}`);
  await own("GET", "/v1/whoami");

  await all("POST", "/v1/tenants", { id: "beta" });
  await all("GET", "/v1/tenants?status=active");
  await all("GET", "/v1/tenants/beta");
  await all("PATCH", "/v1/tenants/beta", { name: "Beta" });
  await all("POST", "/v1/tenants/beta/suspend", {});
  await all("POST", "/v1/tenants/beta/reactivate", {});
  await all("PUT", "/v1/tenants/beta/quota", { bytes: 1_000_000, stamps: { limit: 5, soft: 4 } });
  await all("GET", "/v1/tenants/beta/quota");
  for (const verb of ["check", "increment", "decrement"])
    await all("POST", `/v1/tenants/beta/quota/stamps/${verb}`, { amount: 1 });
  await ended(member(await all("POST", "/v1/tenants/beta/quota/audit", {}), "job"));
  await all("POST", "/v1/tenants/beta/upgrade", { plan: "pro", preview: true });
  await all("POST", "/v1/tenants/beta/upgrade", { plan: "pro" });
  await all("GET", "/v1/tenants/beta/usage");
  await all("GET", "/v1/tenants/beta/usage?by=hour");
  await all("GET", "/v1/tenants/beta/usage?by=hour&format=csv");
  await all("GET", `/v1/tenants/beta/bill?month=${new Date().toISOString().slice(0, 7)}`);
  await all("GET", "/v1/health/tenants");

  await all("POST", "/v1/tenants/acme/users", { id: "alice", email: "alice@acme.example" });
  await all("GET", "/v1/tenants/acme/users?type=user");
  await all("GET", "/v1/tenants/acme/users/alice");
  await all("PATCH", "/v1/tenants/acme/users/alice", { role: "editor" });
  await all("POST", "/v1/tenants/acme/groups", { id: "staff" });
  await all("GET", "/v1/tenants/acme/groups");

  const [subject, object] = ["user:alice", "file:/workspace/acme/data"];
  const grant = await all("POST", "/v1/relations", { subject, relation: "viewer", object });
  await all("GET", "/v1/relations?tenant=acme");
  const question = { subject, permission: "can_read", object, tenant: "acme" };
  await all("POST", "/v1/check", question);
  await all("POST", "/v1/check/batch", { checks: [question] });
  await all("POST", "/v1/expand", { relation: "viewer", object, tenant: "acme" });
  await all("POST", "/v1/list-objects", { subject, permission: "can_read", tenant: "acme" });
  await all("POST", "/v1/list-subjects", { permission: "can_read", object, tenant: "acme" });
  await own("POST", "/v1/explain", { operation: "read", path: "/data/a.txt" });
  await all("DELETE", `/v1/relations/${member(grant, "id")}`);
  const source =
    "model\n  schema 1.1\ntype user\ntype doc\n  relations\n    define reader: [user]\n";
  await own("POST", "/v1/models", { name: "docs", source });
  await own("GET", "/v1/models");
  await own("GET", "/v1/models/docs");
  await own("DELETE", "/v1/models/docs");

  const share = await own("POST", "/v1/shares", { path: "/data/a.txt", link: true });
  await own("GET", "/v1/shares?status=active");
  await all("GET", member(share, "url"));
  await own("DELETE", `/v1/shares/${member(share, "id")}`);

  const plan = await all("POST", "/v1/mounts/plan", {
    add: [{ path: "/shelf", backend: "shelf" }],
  });
  await all("POST", "/v1/mounts/apply", plan.json);
  const mounts = await all("GET", "/v1/mounts");
  const mount = /"id":"([^"]+)","path":"\/shelf"/.exec(mounts.text)?.[1] ?? "";
  await all("GET", `/v1/mounts/${mount}`);
  await all("DELETE", `/v1/mounts/${mount}`);
  await all("GET", "/v1/tenants/acme/mounts");
  await all("GET", "/v1/tenants/acme/residency");
  await all("POST", "/v1/directory", { tenant: "gamma", region: "us" });
  await all("GET", "/v1/directory");
  await all("GET", "/v1/directory/gamma");
  await all("DELETE", "/v1/directory/gamma");

  const move = member(await all("POST", "/v1/tenants/acme/move", { placement: "other" }), "job");
  await all("GET", "/v1/tenants/acme/move");
  // Where the move was faster there is nothing left to give up.
  const aborted = await platform.send("POST", `/v1/jobs/${move}/abort`, { body: {} });
  expect([202, 409]).toContain(aborted.status);
  if (aborted.status === 202) expect(served.faultsOf("abortJob", aborted)).toEqual([]);
  seen.add("abortJob");
  await ended(move);
  await all("GET", "/v1/audit?limit=5");
  await all("GET", "/v1/audit/verify");
  await all("GET", "/v1/tenants/acme/audit");
  await all("DELETE", "/v1/tenants/acme/groups/staff");
  await all("DELETE", "/v1/tenants/acme/users/alice");
  await ended(member(await all("DELETE", "/v1/tenants/beta?confirm=beta"), "job"));

  const missing = served.operations.map(({ id }) => id).filter((id) => !seen.has(id));
  expect(missing).toEqual(elsewhere);
}, 120_000);

test(
  "what none of them expects is refused as the document says, and never breaks the server",
  async () => {
    const tenantKey = await mintKey(platform, {
      name: "fuzz",
      workspacePrefix: "/workspace/acme",
      scopes: ["read", "write", "share", "admin"],
    });
    await askedWrongly(served, [platform, api(server.url, tenantKey), api(server.url, undefined)]);
    expect((await platform.send("GET", "/readyz")).status).toBe(200);
  },
  120_000 + requests(1) * 200,
);
