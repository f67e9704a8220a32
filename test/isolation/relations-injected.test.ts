// What nobody may put into the relations: grants across tenants, for everybody, beyond one's own, and names that read
// otherwise than they look.
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Answer, member } from "../support/api.ts";
import { startServer, type TestServer } from "../support/start-server.ts";
import { type Body, person, type Person, type RelatedTenant, relatedTenant } from "./related.ts";

/** The status, and the code of a refusal. */
const outcome = ({ status, json }: Answer): string => {
  const code: unknown = Reflect.get(Object(json), "code");
  return typeof code === "string" ? `${status} ${code}` : String(status);
};
const forbidden = "403 forbidden";
const malformed = "400 invalid-request";
const badPath = "400 invalid-path";
const missing = "404 not-found";
const outside = "403 outside-workspace";
const mismatch = "403 tenant-mismatch";

describe("relations that are refused", () => {
  let server: TestServer;
  let platform: Person;
  let acme: RelatedTenant;
  let beta: RelatedTenant;
  /** Owns /owned, edits /edited and views /viewed of acme; no admin. */
  let olga: Person;
  let eve: Person;

  beforeAll(async () => {
    server = await startServer();
    platform = person(server.url, server.platformKey, "platform");
    [acme, beta] = await Promise.all([
      relatedTenant(server, "acme"),
      relatedTenant(server, "beta"),
    ]);
    for (const name of ["owned", "edited", "viewed", "hidden"])
      await acme.admin.write(`/${name}/f.txt`, `content of ${name}`);
    await beta.admin.write("/theirs.txt", "beta's");
    [olga, eve] = await Promise.all([acme.person("olga"), beta.person("eve")]);
    await acme.admin.gives("user:olga", "owner", "file:/owned");
    await acme.admin.gives("user:olga", "editor", "file:/edited");
    await acme.admin.gives("user:olga", "viewer", "file:/viewed");
    await platform.post("tenants/acme/groups", { id: "staff" });
    await platform.post("tenants/beta/groups", { id: "crew" });
    await platform.post("tenants/beta/users", { id: "pat" });
  });
  afterAll(() => server[Symbol.asyncDispose]());

  const all = async (): Promise<string> =>
    (await platform.send("GET", "/v1/relations?tenant=acme&limit=1000")).text;
  const grant = async (by: Person, body: Body): Promise<string> =>
    outcome(await by.post("relations", body));
  /** Everything in `tries` is answered as it says, and leaves the relations as they were. */
  const refused = async (
    by: Person,
    tries: readonly (readonly [
      subject: string,
      relation: string,
      object: string,
      answer: string,
    ])[],
    more: Body = {},
  ): Promise<void> => {
    const before = await all();
    const answers = [];
    for (const [subject, relation, object] of tries)
      answers.push([
        subject,
        relation,
        object,
        await grant(by, { subject, relation, object, ...more }),
      ]);
    expect(answers).toEqual(tries);
    expect(await all()).toBe(before);
  };

  it("to a subject of another tenant: as owner, blocked, member or admin, by whomever", async () => {
    for (const by of [acme.admin, platform])
      await refused(
        by,
        [
          ["user:pat", "owner", "file:/workspace/acme/owned", malformed],
          ["user:pat", "direct_owner", "file:/workspace/acme/owned", malformed],
          ["user:pat", "blocked", "file:/workspace/acme/owned", malformed],
          ["user:*", "viewer", "file:/workspace/acme/owned", malformed],
          ["agent:*", "viewer", "file:/workspace/acme/owned", malformed],
          ["group:crew#member", "owner", "file:/workspace/acme/owned", malformed],
          ["user:nobody", "viewer", "file:/workspace/acme/owned", missing],
          ["group:nobody", "viewer", "file:/workspace/acme/owned", missing],
        ],
        { subjectTenant: "beta" },
      );
    await refused(acme.admin, [
      ["tenant:beta", "owner", "file:/owned", malformed],
      ["tenant:beta", "blocked", "file:/owned", malformed],
      ["tenant:nobody", "viewer", "file:/owned", missing],
    ]);
    const tenantOf = { tenant: "acme", subjectTenant: "beta" };
    await refused(platform, [["user:pat", "member", "group:staff", malformed]], tenantOf);
    await refused(platform, [["user:pat", "admin", "tenant:acme", malformed]], tenantOf);
    await refused(acme.admin, [["user:pat", "member", "group:staff", malformed]], {
      subjectTenant: "beta",
    });
  });

  it("for everybody, as more than viewer of a file", async () => {
    await refused(acme.admin, [
      ["user:*", "owner", "file:/owned", malformed],
      ["user:*", "editor", "file:/owned", malformed],
      ["user:*", "blocked", "file:/owned", malformed],
      ["service:*", "viewer", "file:/owned", malformed],
      ["group:*", "viewer", "file:/owned", malformed],
      ["tenant:*", "viewer", "file:/owned", malformed],
      ["user:*", "member", "group:staff", malformed],
      ["user:*", "admin", "tenant:acme", malformed],
      ["tenant:acme", "member", "group:staff", malformed],
      ["tenant:acme", "admin", "tenant:acme", malformed],
      ["tenant:acme", "blocked", "file:/owned", malformed],
    ]);
  });

  it("beyond what one has: owner of oneself, groups, administration, other places and other tenants", async () => {
    await refused(olga, [
      ["user:olga", "owner", "file:/edited", forbidden],
      ["user:olga", "editor", "file:/viewed", forbidden],
      ["user:olga", "owner", "file:/viewed", forbidden],
      ["user:eve", "viewer", "file:/viewed", forbidden],
      ["user:acme-root", "blocked", "file:/edited", forbidden],
      ["user:olga", "owner", "file:/hidden", missing],
      ["user:olga", "owner", "file:/hidden/f.txt", missing],
      ["user:olga", "owner", "file:/nowhere", missing],
      ["user:olga", "owner", "file:/", missing],
      ["user:olga", "owner", "file:/*", missing],
      ["user:olga", "member", "group:staff", "403 scope-required"],
      ["user:olga", "admin", "tenant:acme", "403 scope-required"],
      ["user:olga", "admin", "tenant:beta", mismatch],
      ["user:olga", "admin", "tenant:nobody", mismatch],
      ["user:olga", "viewer", "file:/workspace/beta/theirs.txt", outside],
      ["user:olga", "viewer", "file:/workspace/nobody/x", outside],
    ]);
    // The scope alone does not make an admin of a user.
    await refused(await acme.person("olga", ["read", "write", "share", "admin"]), [
      ["user:olga", "member", "group:staff", forbidden],
      ["user:olga", "admin", "tenant:acme", forbidden],
    ]);
    for (const by of [eve, beta.admin, await beta.capability()])
      await refused(by, [
        ["user:eve", "viewer", "file:/workspace/acme/owned", outside],
        ["user:eve", "viewer", "file:/workspace/acme/nowhere", outside],
        ["user:eve", "admin", "tenant:acme", mismatch],
      ]);
    // A capability of a part administers no groups, and grants nothing outside its part.
    const part = await acme.capability("/edited");
    await refused(part, [
      ["user:olga", "owner", "file:/workspace/acme/owned", outside],
      ["user:olga", "member", "group:staff", forbidden],
      ["user:olga", "admin", "tenant:acme", forbidden],
    ]);
  });

  it("beyond the scopes of the key: without share nothing, without write nobody gets to write", async () => {
    const asked = { subject: "user:pat", object: "file:/owned" };
    const plain = await acme.person("olga", ["read", "write"]);
    expect(await grant(plain, { ...asked, relation: "viewer" })).toBe("403 scope-required");
    const reader = await acme.person("olga", ["read", "share"]);
    expect(await grant(reader, { ...asked, relation: "editor" })).toBe(forbidden);
    expect(await grant(reader, { ...asked, relation: "owner" })).toBe(forbidden);
    expect(await grant(reader, { ...asked, relation: "viewer" })).toBe("201");
  });

  it("an editor of another tenant gives nothing on, shares nothing on, and takes nothing back", async () => {
    const { admin } = acme;
    const id = await admin.gives("user:pat", "editor", "file:/edited", { subjectTenant: "beta" });
    const pat = await beta.person("pat");
    await refused(pat, [
      ["user:pat", "owner", "file:/workspace/acme/edited", malformed],
      ["user:eve", "viewer", "file:/workspace/acme/edited", forbidden],
      ["tenant:beta", "viewer", "file:/workspace/acme/edited", forbidden],
      ["user:olga", "viewer", "file:/workspace/acme/edited", forbidden],
    ]);
    const path = "/workspace/acme/edited/f.txt";
    for (const to of [{ tenant: "beta" }, { subject: "user:eve" }, { link: true }])
      expect(outcome(await pat.post("shares", { path, ...to }))).toBe(forbidden);
    expect(outcome(await pat.send("DELETE", `/v1/relations/${id}`))).toBe(forbidden);
    expect((await pat.write(path)).status).toBe(200);
    await admin.send("DELETE", `/v1/relations/${id}`);
    expect(outcome(await pat.write(path))).toBe(outside);
  });

  it("a share of a share, by the tenant it was given to", async () => {
    const made = await acme.admin.post("shares", {
      path: "/edited",
      tenant: "beta",
      permission: "can_write",
    });
    const target = member(made, "target");
    for (const by of [eve, beta.admin, await beta.capability()]) {
      expect((await by.write(`${target}/f.txt`, "through")).status).toBe(200);
      for (const path of [target, `${target}/f.txt`, "/workspace/acme/edited/f.txt"]) {
        expect((await by.post("shares", { path, link: true })).status).toBeGreaterThan(400);
        expect((await by.post("shares", { path, tenant: "acme" })).status).toBeGreaterThan(399);
        const answer = await by.post("relations", {
          subject: "user:pat",
          relation: "viewer",
          object: `file:${path}`,
        });
        expect(answer.status).toBeGreaterThan(399);
      }
      // Neither the way nor its end goes away, and nothing is moved out by its root.
      for (const send of [
        by.send("DELETE", `/v1/files${target}?recursive=true`),
        by.post("move", { from: target, to: "/workspace/beta/taken" }),
      ])
        expect((await send).status).toBe(403);
    }
    await acme.admin.send("DELETE", `/v1/shares/${member(made, "id")}`);
    expect((await eve.read(`${target}/f.txt`)).status).toBe(404);
  });

  it("paths that read otherwise than they look", async () => {
    const to = "user:olga";
    const long = `file:/${"x".repeat(1100)}`;
    await refused(acme.admin, [
      [to, "viewer", "file:/owned/../hidden", badPath],
      [to, "viewer", "file:/owned/.", badPath],
      [to, "viewer", "file:/owned/", badPath],
      [to, "viewer", "file:/owned//f.txt", badPath],
      [to, "viewer", "file:owned", badPath],
      [to, "viewer", "file:/owned\\f.txt", badPath],
      [to, "viewer", "file:/owned\u0000", badPath],
      [to, "viewer", long, badPath],
      [to, "viewer", "file:/ow*ed", malformed],
      [to, "viewer", "file:/*/f.txt", malformed],
      [to, "viewer", "file:/owned/***", malformed],
      [to, "viewer", "file:/owned/*/", malformed],
      [to, "viewer", "FILE:/owned", malformed],
      [to, "viewer", "folder:/owned", malformed],
      [to, "viewer", "__proto__:/owned", malformed],
      [to, "viewer", "file:/OWNED", missing],
      [to, "viewer", "file:/owned%2ff.txt", missing],
      [to, "viewer", "file:/owned#viewer", missing],
      [to, "viewer", "file:/workspace", outside],
      [to, "viewer", "file:/workspace/*", outside],
      [to, "viewer", "file:/workspace/beta/*", outside],
    ]);
  });

  it("subjects and relations that read otherwise than they look", async () => {
    const on = "file:/owned";
    const subjects = [
      "user:a b",
      "user:a:b",
      "user:a#b",
      "user:a/b",
      "user:",
      "user:**",
      "user:a*",
    ];
    subjects.push(
      "user:olga\n",
      "user: olga",
      "user:olga#member",
      "group:staff#admin",
      "olga",
      "*",
    );
    subjects.push("tenant:acme#admin", "file:/owned", "__proto__:x", `user:${"x".repeat(256)}`);
    await refused(
      acme.admin,
      subjects.map((subject) => [subject, "viewer", on, malformed] as const),
    );
    const relations = ["__proto__", "constructor", "toString", "parent", "tenant", "can_share"];
    relations.push("member", "admin", "Owner", "owner ", "owner from parent");
    await refused(
      acme.admin,
      relations.map((relation) => ["user:olga", relation, on, malformed] as const),
    );
  });

  it("keys and users that are everybody, or nobody in particular", async () => {
    for (const id of ["*", "a b", "a#b", "a:b", "a/b", "user:*"]) {
      const subject = { type: "user", id };
      expect(outcome(await acme.admin.post("keys", { name: "k", subject }))).toBe(malformed);
      expect(outcome(await acme.admin.post("tenants/acme/users", { id }))).toBe(malformed);
    }
    const group = { type: "group", id: "staff" };
    expect(outcome(await acme.admin.post("keys", { name: "k", subject: group }))).toBe(malformed);
    // Names that mean something to the language it is written in mean nothing here.
    for (const id of ["__proto__", "constructor", "hasOwnProperty"]) {
      const own = await acme.person(id);
      expect((await own.read("/owned/f.txt")).status).toBe(404);
      const given = await acme.admin.gives(`user:${id}`, "viewer", "file:/owned");
      expect((await own.read("/owned/f.txt")).text).toBe("content of owned");
      await acme.admin.send("DELETE", `/v1/relations/${given}`);
      expect((await own.read("/owned/f.txt")).status).toBe(404);
    }
  });

  it("keys wider than who mints them", async () => {
    const wants = [
      { workspacePrefix: "/workspace/acme" },
      { workspacePrefix: "/workspace/acme/owned" },
      { subject: { type: "user", id: "acme-root" } },
      { subject: { type: "user", id: "olga" } },
      { subject: { type: "user", id: "pat" }, tenant: "beta" },
    ];
    const before = (await platform.send("GET", "/v1/keys?tenant=acme&limit=1000")).text;
    const withAdmin = await acme.person("olga", ["read", "write", "share", "admin"]);
    const narrow = await acme.capability("/owned");
    const count = (text: string): number => text.split('"createdAt"').length;
    for (const body of wants) {
      expect(outcome(await olga.post("keys", { name: "k", ...body }))).toBe("403 scope-required");
      // The scope alone does not make an admin of a user.
      expect(outcome(await withAdmin.post("keys", { name: "k", ...body }))).toBe(forbidden);
      if (body.workspacePrefix !== "/workspace/acme/owned")
        expect((await narrow.post("keys", { name: "k", ...body })).status).toBe(403);
    }
    for (const by of [withAdmin, narrow])
      for (const route of ["users", "groups"])
        expect((await by.post(`tenants/acme/${route}`, { id: "new" })).status).toBe(403);
    const after = (await platform.send("GET", "/v1/keys?tenant=acme&limit=1000")).text;
    // Those that this test made.
    expect(count(after)).toBe(count(before) + 2);
  });

  it("acting for somebody else: of another tenant, of none, for everybody, and by who administers nothing", async () => {
    const as = async (by: Person, subject: string, namespace?: string): Promise<string> => {
      const headers = {
        "Bulkhead-As": subject,
        ...(namespace !== undefined && { "Bulkhead-Namespace": namespace }),
      };
      return outcome(await by.send("GET", "/v1/whoami", { headers }));
    };
    expect(await as(acme.admin, "user:olga")).toBe("200");
    expect(await as(acme.admin, "user:olga", "tenant:acme")).toBe("200");
    // One answer, whether there is such a tenant or somebody of that name in it.
    const answers = new Set<string>();
    for (const [subject, namespace] of [
      ["user:eve", "tenant:beta"],
      ["user:nobody", "tenant:beta"],
      ["user:eve", "tenant:nobody"],
      ["user:olga", "tenant:beta"],
    ] as const)
      answers.add(await as(acme.admin, subject, namespace));
    expect([...answers]).toEqual([mismatch]);
    expect(await as(acme.admin, "user:eve")).toBe(forbidden);
    expect(await as(acme.admin, "user:nobody")).toBe(forbidden);
    for (const subject of [
      "user:*",
      "group:staff",
      "tenant:acme",
      "user:a b",
      "olga",
      "user:eve@beta",
    ])
      expect(["400 invalid-request", forbidden]).toContain(await as(acme.admin, subject));
    for (const by of [olga, await acme.person("olga", ["read", "admin"])])
      expect(["403 scope-required", forbidden]).toContain(await as(by, "user:acme-root"));
    expect(await as(await acme.capability("/owned"), "user:acme-root")).toBe(forbidden);
    expect(await as(platform, "user:olga", "tenant:beta")).toBe(forbidden);
    // A namespace alone changes nothing, and a false one is refused.
    const lie = { headers: { "Bulkhead-Namespace": "tenant:beta" } };
    expect(outcome(await olga.send("GET", "/v1/files/owned/f.txt", lie))).toBe(mismatch);
  });
});
