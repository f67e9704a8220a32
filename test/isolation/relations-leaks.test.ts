// What relations, shares and everything that is told of them say to those who may not know: no name, count or trace.
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Answer, api, member } from "../support/api.ts";
import { startServer, type TestServer } from "../support/start-server.ts";
import { type Body, person, type Person, type RelatedTenant, relatedTenant } from "./related.ts";

/** The same for two answers that differ in nothing but what every answer differs in. */
const bare = ({ status, text }: Answer): string =>
  `${status} ${text.replace(/"requestId":"[^"]*"/, "").replaceAll(/\.\d+"/g, '"')}`;

describe("what is told of relations", () => {
  let server: TestServer;
  let platform: Person;
  let acme: RelatedTenant;
  let beta: RelatedTenant;
  /** Users of acme whose names are nobody else's business, and one whom all this is about. */
  const secrets = ["carol-canary", "crew-canary", "hidden-canary", "acme-root"];
  let bob: Person;
  let eve: Person;
  /** Of beta: a user, an administrator, and a key that is bound to the root. */
  let strangers: readonly Person[];
  let target: string;

  const remove = (by: Person, route: string): Promise<Answer> => by.send("DELETE", `/v1/${route}`);

  beforeAll(async () => {
    server = await startServer();
    platform = person(server.url, server.platformKey, "platform");
    [acme, beta] = await Promise.all([
      relatedTenant(server, "acme"),
      relatedTenant(server, "beta"),
    ]);
    const { admin } = acme;
    for (const path of ["/out/x.txt", "/out/hidden-canary.txt", "/docs/a/plan.txt", "/docs/b.txt"])
      await admin.write(path, `content of ${path}`);
    await platform.post("tenants/acme/groups", { id: "crew-canary" });
    await admin.gives("user:carol-canary", "member", "group:crew-canary");
    for (const object of ["file:/out", "file:/out/x.txt"]) {
      await admin.gives("user:carol-canary", "editor", object);
      await admin.gives("group:crew-canary", "viewer", object);
      await admin.gives("user:carol-canary", "blocked", object);
    }
    bob = await acme.person("bob");
    eve = await beta.person("eve");
    strangers = [eve, beta.admin, await beta.capability()];
    target = member(
      await admin.post("shares", { path: "/out/x.txt", tenant: "beta", permission: "can_write" }),
      "target",
    );
  });
  afterAll(() => server[Symbol.asyncDispose]());

  it("whom something is shared with learns nothing of who else has it, however it asks", async () => {
    const paths = ["/workspace/acme/out/x.txt", "/workspace/acme/out", target];
    const objects = paths.map((path) => `file:${path}`);
    for (const by of strangers) {
      const answers: Answer[] = [await by.send("GET", "/v1/relations?crossing=true")];
      answers.push(await by.send("GET", "/v1/shares"), await by.send("GET", "/v1/whoami"));
      answers.push(await by.send("GET", "/v1/changes?limit=1000"));
      for (const subject of ["user:carol-canary", "group:crew-canary", "tenant:acme"])
        answers.push(await by.send("GET", `/v1/relations?subject=${encodeURIComponent(subject)}`));
      for (const object of objects) {
        answers.push(await by.send("GET", `/v1/relations?object=${encodeURIComponent(object)}`));
        for (const relation of ["viewer", "editor", "owner", "blocked"])
          answers.push(await by.post("expand", { relation, object }));
        for (const permission of ["can_read", "can_write", "can_share"])
          answers.push(await by.post("list-subjects", { permission, object }));
      }
      for (const operation of ["read", "write", "remove", "list", "stat"])
        for (const path of [...paths, "/workspace/acme/out/hidden-canary.txt"])
          answers.push(await by.post("explain", { operation, path }));
      for (const path of paths) {
        const at = path.slice(1);
        for (const route of [`stat/${at}`, `list/${at}`, `versions/${at}`, `list/${at}/..`])
          answers.push(await by.send("GET", `/v1/${route}`));
      }
      const seen = answers.map(({ text, headers }) => `${text}\n${[...headers].join("\n")}`);
      // What one asks about stands in one's own answers.
      for (const secret of secrets)
        for (const text of seen)
          if (!text.includes(`"path":"/workspace/acme/out/hidden`) && !text.includes("outside"))
            expect(text).not.toContain(secret);
      expect(seen.join("\n")).toContain("from-acme");
    }
  });

  it("about subjects of another tenant there is one answer, whoever there is", async () => {
    const object = "file:/workspace/acme/out/x.txt";
    for (const by of strangers) {
      const answers = new Set<string>();
      for (const id of ["carol-canary", "acme-root", "bob", "nobody"])
        for (const subject of [`user:${id}`, `group:${id}`, `agent:${id}`]) {
          const asked = { subject, subjectTenant: "acme", permission: "can_read" };
          answers.add(bare(await by.post("check", { ...asked, object })));
        }
      expect(answers.size).toBe(1);
      const lists = new Set<string>();
      for (const id of ["carol-canary", "bob", "nobody"]) {
        const asked = { subject: `user:${id}`, subjectTenant: "acme", permission: "can_read" };
        lists.add(bare(await by.post("list-objects", asked)));
      }
      expect(lists.size).toBe(1);
    }
  });

  it("of groups, users, keys and relations of another tenant, the same whether they exist", async () => {
    const group = "group:crew-canary";
    const id = await acme.admin.gives("user:carol-canary", "viewer", "file:/docs");
    const share = member(
      await acme.admin.post("shares", { path: "/docs/b.txt", link: true }),
      "id",
    );
    const nowhere = "01a1fefd-473b-7df2-ae51-fbccb26f4b4c";
    for (const by of strangers) {
      const same = async (asks: readonly (() => Promise<Answer>)[]): Promise<void> => {
        const answers = await Promise.all(asks.map((ask) => ask()));
        expect(new Set(answers.map(bare)).size).toBe(1);
        expect(answers[0]?.status).toBeGreaterThan(399);
      };
      for (const route of ["relations", "shares"])
        await same(
          [id, share, nowhere]
            .slice(route === "relations" ? 0 : 1)
            .map((each) => () => remove(by, `${route}/${each}`)),
        );
      await same(["acme", "nobody"].map((t) => () => by.send("GET", `/v1/tenants/${t}/users`)));
      await same(["acme", "nobody"].map((t) => () => by.post(`tenants/${t}/groups`, { id: "g" })));
      await same(
        ["acme/users/carol-canary", "acme/users/nobody", "nobody/users/carol-canary"].map(
          (each) => () => by.send("GET", `/v1/tenants/${each}`),
        ),
      );
      await same(
        ["acme", "nobody"].map(
          (t) => () => by.post("expand", { tenant: t, relation: "member", object: group }),
        ),
      );
      await same(["acme", "nobody"].map((t) => () => by.send("GET", `/v1/relations?tenant=${t}`)));
      await same(["acme", "nobody"].map((t) => () => by.send("GET", `/v1/shares?tenant=${t}`)));
      await same(["acme", "nobody"].map((t) => () => by.send("GET", `/v1/changes?tenant=${t}`)));
    }
    await remove(acme.admin, `relations/${id}`);
  });

  it("an editor of a shared file learns nothing of the owner's limits, numbers and neighbours", async () => {
    // Acme is full; whoever it let write is told that it is, and not how much that is.
    const limited = async (bytes: number | null): Promise<void> => {
      const body = { limits: { bytes } };
      expect((await platform.send("PATCH", "/v1/tenants/acme", { body })).status).toBe(200);
    };
    await limited(77_777);
    for (const by of strangers) {
      const big = await by.write(`${target}`, "x".repeat(90_000));
      expect(big.status).toBe(507);
      expect(big.json).toMatchObject({ resource: "bytes" });
      for (const name of ["limit", "used", "current", "requested"])
        expect(Reflect.get(Object(big.json), name)).toBeUndefined();
      expect(big.text).not.toContain("77777");
      const who = await by.send("GET", "/v1/whoami");
      expect(who.text).not.toContain("77777");
      expect((await by.read("/workspace/acme/out/hidden-canary.txt")).status).toBe(403);
      const list = await by.send("GET", `/v1/list/shared/from-acme?recursive=true`);
      expect(Reflect.get(Object(list.json), "entries")).toHaveLength(1);
      expect((await by.send("GET", "/v1/tenants/acme")).status).toBeGreaterThan(399);
    }
    const own = await acme.admin.write("/out/x.txt", "x".repeat(90_000));
    expect(own.json).toMatchObject({ limit: 77_777, requested: expect.any(Number) });
    await limited(null);
  });

  it("listings, counts, globs and greps hold what may be read, also of pages that end among what may not", async () => {
    const { admin } = acme;
    const names = Array.from({ length: 12 }, (_, i) => `n${String(i).padStart(2, "0")}`);
    for (const name of names) await admin.write(`/many/${name}`, `word ${name}`);
    for (const name of ["n03", "n07"])
      await admin.gives("user:bob", "viewer", `file:/many/${name}`);
    const all: string[] = [];
    let next = "";
    do {
      const page = await bob.send("GET", `/v1/list/many?limit=1${next && `&after=${next}`}`);
      const { entries, next: more } = Object(page.json);
      expect(entries).toHaveLength(1);
      all.push(entries[0].name);
      next = more ?? "";
    } while (next !== "");
    expect(all).toEqual(["n03", "n07"]);
    const glob = await bob.post("glob", { pattern: "**/n*", path: "/", limit: 2 });
    expect(glob.json).toEqual({ paths: ["/many/n03", "/many/n07"], truncated: false });
    const grep = await bob.post("grep", { pattern: "word", path: "/many", limit: 2 });
    expect(grep.json).toMatchObject({ truncated: false, matches: [{ path: "/many/n03" }, {}] });
    const signpost = await bob.send("GET", "/v1/stat/many");
    expect(signpost.json).toMatchObject({
      size: 0,
      etag: null,
      modifiedAt: "1970-01-01T00:00:00.000Z",
    });
    const [there, nowhere] = [await bob.read("/many/n04"), await bob.read("/many/n99")];
    expect(bare(there)).toBe(bare(nowhere));
    for (const send of [
      (path: string) => bob.write(path),
      (path: string) => bob.send("DELETE", `/v1/files${path}`),
      (path: string) => bob.send("GET", `/v1/versions${path}`),
      (path: string) => bob.send("GET", `/v1/files${path}?version=1`),
      (path: string) => bob.send("GET", `/v1/list${path}`),
      (path: string) => bob.send("GET", `/v1/stat${path}/below`),
      (path: string) => bob.post("copy", { from: path, to: "/many/n03/x" }),
      (path: string) => bob.post("move", { from: path, to: "/many/copy" }),
      (path: string) => bob.post("restore", { path, version: "1" }),
      (path: string) => bob.post("mkdir", { path }),
      (path: string) => bob.post("explain", { operation: "read", path }),
      (path: string) =>
        bob.post("check", { subject: "user:bob", permission: "can_read", object: `file:${path}` }),
      (path: string) =>
        bob.post("relations", { subject: "user:bob", relation: "owner", object: `file:${path}` }),
      (path: string) => bob.post("shares", { path, link: true }),
    ])
      expect(bare(await send("/many/n04")).replaceAll("n04", "n99")).toBe(
        bare(await send("/many/n99")),
      );
  });

  it("changes and versions show nothing that was out of sight, neither when it came nor when it went", async () => {
    const { admin } = acme;
    await admin.write("/feed/seen/a.txt", "1");
    await admin.write("/private/plan-of-canary.txt", "2");
    await admin.gives("user:bob", "viewer", "file:/feed");
    const feed = async (): Promise<string> =>
      (await bob.send("GET", "/v1/changes?limit=1000")).text;
    expect(await feed()).toContain("/feed/seen/a.txt");
    expect(await feed()).not.toContain("canary");
    // Into sight: that it is there now, not where it was.
    await admin.post("move", { from: "/private/plan-of-canary.txt", to: "/feed/published.txt" });
    expect(await feed()).toContain("/feed/published.txt");
    expect(await feed()).not.toContain("canary");
    const versions = await bob.send("GET", "/v1/versions/feed/published.txt");
    expect(versions.text).not.toContain("canary");
    // Out of sight: that it is gone, not where to.
    await admin.post("move", { from: "/feed/published.txt", to: "/private/canary-again.txt" });
    expect(await feed()).not.toContain("canary");
    expect((await bob.read("/private/canary-again.txt")).status).toBe(404);
    expect((await bob.send("GET", "/v1/versions/private/canary-again.txt")).status).toBe(404);
    await admin.post("copy", { from: "/private/canary-again.txt", to: "/feed/copied.txt" });
    expect(await feed()).toContain("/feed/copied.txt");
    expect(await feed()).not.toContain("canary");
  });

  it("what is blocked below something shared is out of sight, and stays so when it is moved within", async () => {
    const { admin } = acme;
    await admin.write("/dir/open.txt", "open");
    await admin.write("/dir/shut/s.txt", "shut");
    await admin.gives("user:bob", "viewer", "file:/dir");
    await admin.gives("user:bob", "blocked", "file:/dir/shut");
    expect((await bob.read("/dir/shut/s.txt")).status).toBe(404);
    await admin.post("move", { from: "/dir/shut", to: "/dir/moved" });
    expect((await bob.read("/dir/moved/s.txt")).status).toBe(404);
    expect((await bob.send("GET", "/v1/list/dir?recursive=true")).text).not.toContain("moved");
    await admin.gives("user:bob", "editor", "file:/dir");
    // Neither by taking it along nor by copying what holds it.
    for (const verb of ["copy", "move"])
      expect((await bob.post(verb, { from: "/dir", to: "/users/bob" })).status).toBeGreaterThan(
        399,
      );
    expect((await bob.send("DELETE", "/v1/files/dir?recursive=true")).status).toBe(403);
  });

  it("what was removed stays out of sight of those it was kept from, and of those it was never given to", async () => {
    const { admin } = acme;
    const at = "/pub/kept/s.txt";
    for (const text of ["first", "second"]) await admin.write(at, text);
    await admin.gives("user:bob", "editor", "file:/pub");
    await admin.gives("user:bob", "blocked", "file:/pub/kept");
    await admin.gives("user:owen", "owner", "file:/pub");
    const { json } = await admin.send("GET", `/v1/versions${at}`);
    const versions: readonly unknown[] = Object(json).items.map((item: object) =>
      Reflect.get(item, "version"),
    );
    expect(versions).toHaveLength(2);
    const past = async (by: Person): Promise<readonly number[]> => {
      const statuses = [(await by.send("GET", `/v1/versions${at}`)).status];
      for (const version of versions)
        statuses.push((await by.send("GET", `/v1/files${at}?version=${String(version)}`)).status);
      return statuses;
    };
    const restores = async (by: Person): Promise<number> =>
      (await by.post("restore", { path: at, version: String(versions[0]) })).status;
    expect(await past(bob)).toEqual([404, 404, 404]);
    // With it goes what kept bob from it.
    await remove(admin, "files/pub/kept?recursive=true");
    expect(await past(bob)).toEqual([404, 404, 404]);
    expect(await restores(bob)).toBe(404);
    // What comes to stand there is his to read; what stood there is not.
    await admin.write(at, "third");
    expect((await bob.read(at)).text).toBe("third");
    const seen = await bob.send("GET", `/v1/versions${at}`);
    expect(Object(seen.json).items).toHaveLength(1);
    expect(await past(bob)).toEqual([200, 404, 404]);
    expect(await restores(bob)).toBe(404);
    await bob.write(at, "fourth");
    expect(Object((await bob.send("GET", `/v1/versions${at}?limit=1`)).json).next).not.toBe(null);
    // Who owns the place may have it back.
    const owen = await acme.person("owen");
    expect(await past(owen)).toEqual([200, 200, 200]);
    expect(await restores(owen)).toBe(200);
    expect((await bob.read(at)).text).toBe("second");
  });

  it("a shared directory that is moved out of what gave it is followed by the share alone", async () => {
    const { admin } = acme;
    await admin.write("/team/pub/p.txt", "p");
    await admin.gives("user:bob", "viewer", "file:/team");
    const made = await admin.post("shares", { path: "/team/pub", tenant: "beta" });
    const at = `${member(made, "target")}/p.txt`;
    await admin.post("move", { from: "/team/pub", to: "/vault/pub" });
    expect((await bob.read("/vault/pub/p.txt")).status).toBe(404);
    expect((await eve.read(at)).text).toBe("p");
    // What stands at its old place is nobody's that it was given to.
    await admin.write("/team/pub/p.txt", "another");
    expect((await eve.read(at)).text).toBe("p");
    expect((await eve.read("/workspace/acme/team/pub/p.txt")).status).toBe(403);
    await remove(admin, "files/vault/pub?recursive=true");
    expect((await eve.read(at)).status).toBe(404);
    await admin.write("/vault/pub/p.txt", "new");
    expect((await eve.read(at)).status).toBe(404);
  });

  it("groups that hold each other end, and lead nowhere across tenants", async () => {
    const { admin } = acme;
    for (const id of ["one", "two", "three"]) await platform.post("tenants/acme/groups", { id });
    await admin.gives("group:one#member", "member", "group:two");
    await admin.gives("group:two#member", "member", "group:three");
    await admin.gives("group:three#member", "member", "group:one");
    await admin.gives("user:bob", "member", "group:one");
    await admin.gives("group:three", "viewer", "file:/docs/a");
    expect((await bob.read("/docs/a/plan.txt")).status).toBe(200);
    expect((await bob.read("/docs/b.txt")).status).toBe(404);
    for (const route of ["one", "two"]) {
      const body: Body = { subject: `group:${route}`, relation: "member", object: "group:x" };
      expect((await beta.admin.post("relations", { ...body, subjectTenant: "acme" })).status).toBe(
        400,
      );
    }
    // A deny behind a cycle denies.
    await admin.gives("group:two", "blocked", "file:/docs/a");
    expect((await bob.read("/docs/a/plan.txt")).status).toBe(404);
  });

  it("an answer to a question is not given again to who may not ask it any more", async () => {
    const id = await acme.admin.gives("user:bob", "viewer", "file:/out/hidden-canary.txt");
    const asks: readonly (readonly [string, Body])[] = [
      ["grep", { pattern: "content", path: "/out" }],
      ["glob", { pattern: "**", path: "/out" }],
      ["list-objects", { subject: "user:bob", permission: "can_read" }],
      ["explain", { operation: "read", path: "/out/hidden-canary.txt" }],
      ["expand", { relation: "viewer", object: "file:/out/hidden-canary.txt" }],
    ];
    const ask = (): Promise<readonly Answer[]> =>
      Promise.all(
        asks.map(([route, body], i) =>
          bob.send("POST", `/v1/${route}`, { body, headers: { "Idempotency-Key": `q-${i}` } }),
        ),
      );
    for (const { text } of await ask()) expect(text).toContain("hidden-canary");
    await remove(acme.admin, `relations/${id}`);
    const again = await ask();
    for (const { text } of [...again.slice(0, 3), ...again.slice(4)])
      expect(text).not.toContain("hidden-canary");
    expect(again[3]?.json).toMatchObject({ decision: "denied" });
    // Another question under the same key is refused still.
    const headers = { "Idempotency-Key": "q-0" };
    const other = await bob.send("POST", "/v1/grep", { body: { pattern: "x" }, headers });
    expect(other.status).toBe(422);
    // And an answer under one identity is none under another, by the same key.
    const as = (name: string) => ({ "Idempotency-Key": "as", "Bulkhead-As": name });
    const body = { pattern: "**" };
    const mine = await acme.admin.send("POST", "/v1/glob", { body, headers: as("user:acme-root") });
    expect(mine.status).toBe(200);
    const his = await acme.admin.send("POST", "/v1/glob", { body, headers: as("user:bob") });
    expect(his.status).toBe(422);
  });

  it("the address of a link is told once, and stands in no log, list or audit", async () => {
    const path = "/docs/b.txt";
    const made = await acme.admin.post("shares", { path, link: true, password: "pass-canary" });
    const address = member(made, "url");
    const token = address.split("/").at(-1) ?? "";
    const visitor = api(server.url, undefined);
    const headers = { "Bulkhead-Link-Password": "pass-canary" };
    const answers = [
      await visitor.send("GET", address),
      await visitor.send("GET", address, { headers }),
    ];
    expect(answers.map(({ status }) => status)).toEqual([403, 200]);
    answers.push(await visitor.send("GET", `${address}x`), await visitor.send("POST", address));
    answers.push(await visitor.send("GET", `/v1/links/${"a".repeat(5000)}`));
    for (const route of ["shares", "audit", "audit?limit=1000", "relations", "changes"])
      answers.push(await acme.admin.send("GET", `/v1/${route}`));
    answers.push(await platform.send("GET", "/metrics"));
    const seen = [...answers.map(({ text }) => text), ...server.lines].join("\n");
    expect(token.length).toBeGreaterThan(40);
    expect(seen).not.toContain(token);
    expect(seen).not.toContain("pass-canary");
    expect(seen).not.toContain("scrypt");
    // Of links that are none there is one answer.
    const nothing = await visitor.send("GET", `/v1/links/${token.slice(1)}`);
    await remove(acme.admin, `shares/${member(made, "id")}`);
    expect(bare(await visitor.send("GET", address, { headers }))).toBe(bare(nothing));
    expect(bare(await visitor.send("GET", address))).toBe(bare(nothing));
  });
});
