import { query, waitFor } from "@bulkhead/harness";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Connection, connection, type Reply } from "./connection.ts";
import { servers, type ServerProcess, type Servers } from "./two-servers.ts";

/** Of each race; `BULKHEAD_RACES` for a long run. */
const rounds = Number(process.env["BULKHEAD_RACES"] ?? 25);
const kills = Math.max(2, Math.round(rounds / 25));
const timeout = 40_000 + rounds * 2_000;
const root = "/workspace/acme";

const items = (reply: Reply): readonly unknown[] => {
  const found: unknown = Reflect.get(Object(JSON.parse(reply.text)), "items");
  if (!Array.isArray(found)) throw new Error(`No items: ${reply.text}`);
  return found;
};

describe("two processes on one ledger: grants that race what they are on", () => {
  let all: Servers;
  let first: ServerProcess;
  let second: ServerProcess;
  let one: Connection;
  let other: Connection;

  const post = (over: Connection, target: string, body: unknown) =>
    over.send("POST", `/v1/${target}`, { body });
  const put = (path: string, body = "content") =>
    one.send("PUT", `/v1/files${root}${path}`, { body });
  const keyOf = async (subject: { type: string; id: string }): Promise<string> => {
    const body = { tenant: "acme", name: subject.id, subject, scopes: ["read", "write", "share"] };
    return (await one.must(201, "POST", "/v1/keys", { body })).member("key");
  };
  const grantOn = (path: string, subject = "user:ann", relation = "viewer") => ({
    subject,
    relation,
    object: `file:${root}${path}`,
  });
  const relationsOn = async (path: string): Promise<number> => {
    const object = encodeURIComponent(`file:${root}${path}`);
    return items(await one.must(200, "GET", `/v1/relations?object=${object}`)).length;
  };

  beforeAll(async () => {
    all = await servers("versioned");
    [first, second] = await Promise.all([all.start(), all.start()]);
    one = connection(first.url, all.platformKey);
    other = connection(second.url, all.platformKey);
    await one.must(201, "POST", "/v1/tenants", { body: { id: "acme" } });
  }, 120_000);
  afterAll(() => all[Symbol.asyncDispose]());

  /** Runs a grant against what takes its object away, and tells what came of a ghost. */
  const race = async (
    i: number,
    key: string,
    away: (at: string, to: string) => Promise<Reply>,
  ): Promise<readonly string[]> => {
    const [at, to] = [`/race/${i}/dir`, `/race/${i}/moved`];
    await put(`${at}/f.txt`, "first");
    const deep = i % 2 === 0 ? at : `${at}/f.txt`;
    const over = connection(i % 4 < 2 ? first.url : second.url, all.platformKey);
    const [granted, gone] = await Promise.all([
      post(over, "relations", grantOn(deep)),
      away(at, to),
    ]);
    over.close();
    const wrong: string[] = [];
    if (gone.status >= 300) wrong.push(`${i}: not taken away: ${gone.status} ${gone.text}`);
    if (granted.status !== 201 && granted.status !== 404)
      wrong.push(`${i}: ${granted.status} ${granted.text}`);
    for (const path of [at, `${at}/f.txt`])
      if ((await relationsOn(path)) > 0) wrong.push(`${i}: a relation is left on ${path}`);
    // Something else comes to stand there: nobody was given that.
    await put(`${at}/f.txt`, "second");
    for (const { url } of [first, second]) {
      const reader = connection(url, key);
      const { status } = await reader.send("GET", `/v1/files${at}/f.txt`);
      if (status !== 404) wrong.push(`${i}: a ghost reads at ${url}: ${status}`);
      reader.close();
    }
    return wrong;
  };
  const raceAll = async (
    from: number,
    key: string,
    away: (at: string, to: string) => Promise<Reply>,
  ): Promise<void> => {
    const wrong: string[] = [];
    for (let i = 0; i < rounds; i += 5)
      for (const found of await Promise.all(
        [0, 1, 2, 3, 4].filter((n) => i + n < rounds).map((n) => race(from + i + n, key, away)),
      ))
        wrong.push(...found);
    expect(wrong).toEqual([]);
  };

  it("a rename racing a grant leaves no ghost where it was", { timeout }, async () => {
    const key = await keyOf({ type: "user", id: "ann" });
    await raceAll(0, key, (at, to) => post(other, "move", { from: root + at, to: root + to }));
  });

  it("a removal racing a grant leaves no ghost where it was", { timeout }, async () => {
    const key = await keyOf({ type: "user", id: "ann" });
    await raceAll(10_000, key, (at) =>
      other.send("DELETE", `/v1/files${root}${at}?recursive=true`),
    );
  });

  it("what is made again under an old name inherits nothing: users, groups, paths, tenants", async () => {
    await put("/again/f.txt");
    await one.must(201, "POST", "/v1/tenants/acme/groups", { body: { id: "crew" } });
    await one.must(201, "POST", "/v1/tenants/acme/users", { body: { id: "sam" } });
    const join = {
      tenant: "acme",
      subject: "user:sam",
      relation: "member",
      object: "group:crew",
    };
    for (const body of [grantOn("/again", "user:sam"), grantOn("/again", "group:crew"), join])
      await one.must(201, "POST", "/v1/relations", { body });
    const old = await keyOf({ type: "user", id: "sam" });
    const reads = async (key: string): Promise<readonly number[]> =>
      Promise.all(
        [first, second].map(async ({ url }) => {
          const over = connection(url, key);
          const { status } = await over.send("GET", "/v1/files/again/f.txt");
          over.close();
          return status;
        }),
      );
    expect(await reads(old)).toEqual([200, 200]);
    // The user.
    await one.must(204, "DELETE", "/v1/tenants/acme/users/sam");
    await other.must(201, "POST", "/v1/tenants/acme/users", { body: { id: "sam" } });
    expect(await reads(old)).toEqual([401, 401]);
    const fresh = await keyOf({ type: "user", id: "sam" });
    expect(await reads(fresh)).toEqual([404, 404]);
    // The group: neither its members nor its grants come back.
    await one.must(201, "POST", "/v1/relations", { body: join });
    expect(await reads(fresh)).toEqual([200, 200]);
    await other.must(204, "DELETE", "/v1/tenants/acme/groups/crew");
    await one.must(201, "POST", "/v1/tenants/acme/groups", { body: { id: "crew" } });
    expect(await reads(fresh)).toEqual([404, 404]);
    await one.must(201, "POST", "/v1/relations", { body: grantOn("/again", "group:crew") });
    expect(await reads(fresh)).toEqual([404, 404]);
    await one.must(201, "POST", "/v1/relations", { body: join });
    expect(await reads(fresh)).toEqual([200, 200]);
    // The path.
    await other.must(204, "DELETE", `/v1/files${root}/again?recursive=true`);
    await put("/again/f.txt");
    expect(await reads(fresh)).toEqual([404, 404]);
    // The tenant, with what another one had given it and its subjects.
    await one.must(201, "POST", "/v1/tenants", { body: { id: "gone" } });
    const eve = { type: "user", id: "eve" };
    const keyFor = async (): Promise<string> => {
      const body = { tenant: "gone", name: "k", subject: eve };
      return (await one.must(201, "POST", "/v1/keys", { body })).member("key");
    };
    const before = await keyFor();
    const crossing = { ...grantOn("/again", "user:eve"), subjectTenant: "gone" };
    await one.must(201, "POST", "/v1/relations", { body: crossing });
    await one.must(201, "POST", "/v1/relations", { body: grantOn("/again", "tenant:gone") });
    await one.must(201, "POST", "/v1/shares", { body: { path: `${root}/again`, tenant: "gone" } });
    const asks = [`/v1/files${root}/again/f.txt`, "/v1/files/shared/from-acme/again/f.txt"];
    const seen = async (key: string): Promise<readonly number[]> => {
      const statuses: number[] = [];
      for (const { url } of [first, second]) {
        const over = connection(url, key);
        for (const target of asks) statuses.push((await over.send("GET", target)).status);
        over.close();
      }
      return statuses;
    };
    expect(await seen(before)).toEqual([200, 200, 200, 200]);
    await other.send("DELETE", "/v1/tenants/gone?confirm=gone&grace=P0D");
    await waitFor(async () => (await post(one, "tenants", { id: "gone" })).status === 201, {
      timeout: 20_000,
      interval: 100,
    });
    expect(await seen(before)).toEqual([401, 401, 401, 401]);
    expect(await seen(await keyFor())).toEqual([403, 404, 403, 404]);
    expect(items(await one.must(200, "GET", "/v1/relations?tenant=acme&crossing=true"))).toEqual(
      [],
    );
  });

  it("killed connections of the database change nothing about it", { timeout }, async () => {
    const key = await keyOf({ type: "user", id: "lou" });
    await put("/lost/f.txt");
    const readers = [first, second].map(({ url }) => connection(url, key));
    const ask = (): Promise<readonly number[]> =>
      Promise.all(
        readers.map(async (over) => (await over.send("GET", "/v1/files/lost/f.txt")).status),
      );
    const passed: string[] = [];
    for (let i = 0; i < kills; i++) {
      const body = grantOn("/lost", "user:lou");
      const id = (await one.must(201, "POST", "/v1/relations", { body })).member("id");
      expect(await ask()).toEqual([200, 200]);
      const ended = query(
        all.databaseUrl,
        `select pg_terminate_backend(pid) from pg_stat_activity
          where datname = current_database() and pid <> pg_backend_pid()`,
      );
      // A change whose connection went may or may not have been made; it is asked for until it was.
      await waitFor(async () => {
        const { status } = await one.send("DELETE", `/v1/relations/${id}`);
        return status === 200 || status === 404;
      });
      const after = await ask();
      await ended;
      for (const status of [...after, ...(await ask())])
        if (status < 300) passed.push(`round ${i}: ${status}`);
      await waitFor(async () => (await ask()).every((status) => status === 404));
    }
    for (const over of readers) over.close();
    expect(passed).toEqual([]);
  });

  it("SIGKILL amid revokes: each took effect everywhere, or nowhere", { timeout }, async () => {
    const key = await keyOf({ type: "user", id: "kim" });
    const paths = Array.from({ length: 12 }, (_, j) => `/killed/${j}`);
    const object = (path: string) => `file:${root}${path}`;
    for (const path of paths) await put(path);
    const halves: string[] = [];
    const found = { returned: 0, kept: 0 };
    for (let i = 0; i < kills; i++) {
      const victim = await all.start();
      const given = await Promise.all(
        paths.map(async (path) => {
          const body = { subject: "user:kim", relation: "editor", object: object(path) };
          const id = (await one.must(201, "POST", "/v1/relations", { body })).member("id");
          const over = connection(victim.url, all.platformKey);
          await over.must(200, "GET", "/v1/whoami");
          return { path, id, over };
        }),
      );
      let begun: () => void = () => undefined;
      const answered = new Promise<void>((resolve) => (begun = resolve));
      const revokes = given.map(async ({ id, over }) => {
        try {
          await over.must(200, "DELETE", `/v1/relations/${id}`);
          begun();
          return true;
        } catch {
          return false;
        } finally {
          over.close();
        }
      });
      // Some have returned by then, the others are at every step there is.
      if (i % 2 === 0) await answered;
      else await new Promise((resolve) => setTimeout(resolve, 5));
      await victim.process.kill();
      const returned = await Promise.all(revokes);
      const list = async (over: Connection): Promise<ReadonlySet<unknown>> => {
        const reply = await over.must(200, "GET", "/v1/relations?subject=user%3Akim&tenant=acme");
        return new Set(items(reply).map((item) => Reflect.get(Object(item), "id")));
      };
      // What has returned is gone at once; what the dead one had begun ends with its connections.
      const atOnce = await list(other);
      await waitFor(async () => {
        const dead = await query(
          all.databaseUrl,
          `select 1 from pg_stat_activity where datname = current_database()
            and (state like 'idle in transaction%' or wait_event_type = 'Lock')`,
        );
        return dead.length === 0;
      });
      const [left, same] = [await list(one), await list(other)];
      for (const [j, { path, id }] of given.entries()) {
        const kept = left.has(id);
        if (returned[j] === true && (kept || atOnce.has(id))) halves.push(`${path}: undone`);
        if (kept !== same.has(id)) halves.push(`${path}: here and not there`);
        found[kept ? "kept" : "returned"] += 1;
      }
      for (const url of [first.url, second.url]) {
        const over = connection(url, key);
        for (const { path, id } of given) {
          const read = await over.send("GET", `/v1/files${path}`);
          const written = await over.send("PUT", `/v1/files${path}`, { body: "still" });
          const passes = [read, written].map(({ status }) => status < 300);
          if (passes.some((passed) => passed !== left.has(id)))
            halves.push(`${path} at ${url}: ${read.status} ${written.status}`);
        }
        over.close();
      }
      for (const id of left) await one.send("DELETE", `/v1/relations/${String(id)}`);
    }
    expect(halves).toEqual([]);
    expect(found.returned + found.kept).toBe(kills * paths.length);
    expect(found.returned).toBeGreaterThan(0);
  });
});
