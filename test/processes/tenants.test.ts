import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { query, waitFor } from "@bulkhead/harness";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Connection, connection, type Reply } from "./connection.ts";
import { servers, type ServerProcess, type Servers } from "./two-servers.ts";

describe("tenants come and go on every process at once", () => {
  let all: Servers;
  let first: ServerProcess;
  let second: ServerProcess;
  let onFirst: Connection;
  let onSecond: Connection;
  beforeAll(async () => {
    all = await servers("local");
    [first, second] = await Promise.all([all.start(), all.start()]);
    onFirst = connection(first.url, all.platformKey);
    onSecond = connection(second.url, all.platformKey);
  });
  afterAll(() => all[Symbol.asyncDispose]());

  const mint = async (by: Connection, workspacePrefix: string): Promise<string> => {
    const scopes = ["read", "write", "admin"];
    const body = { name: "k", workspacePrefix, scopes };
    return (await by.must(201, "POST", "/v1/keys", { body })).member("key");
  };

  it("both are ready, whichever of them holds the platform's own mount", async () => {
    await onFirst.must(200, "GET", "/v1/list/workspace");
    await onSecond.must(503, "GET", "/v1/list/workspace");
    await onFirst.must(200, "GET", "/readyz");
    await onSecond.must(200, "GET", "/readyz");
  });

  it("one that was made here is served there by the very next request", async () => {
    for (let i = 0; i < 20; i++) {
      const [here, there] = i % 2 === 0 ? [onFirst, onSecond] : [onSecond, onFirst];
      await here.must(201, "POST", "/v1/tenants", { body: { id: `made-${i}` } });
      const key = await mint(there, `/workspace/made-${i}`);
      await there.must(201, "PUT", "/v1/files/a", { key, body: `${i}` });
      // And a second root, made as a directory; who made it looked at it, and so holds it.
      await there.must(201, "POST", "/v1/mkdir", { body: { path: `/tenants/made-${i}` } });
      await there.must(201, "PUT", `/v1/files/tenants/made-${i}/b`, { body: `${i}` });
      // The other process knows of it, and that it is not its own to serve now.
      await here.must(503, "GET", `/v1/files/tenants/made-${i}/b`);
      expect((await there.must(200, "GET", "/v1/files/a", { key })).text).toBe(`${i}`);
    }
  });

  const folders = (): Promise<readonly string[]> => readdir(join(all.dataDir, "tenants"));

  it(
    "one that is deleted is gone: its keys at once, its files, and nothing is left for the next of that name",
    { timeout: 60_000 },
    async () => {
      const earlier = new Set(await folders());
      await onFirst.must(201, "POST", "/v1/tenants", { body: { id: "again" } });
      const oldKey = await mint(onFirst, "/workspace/again");
      const hereOpen = connection(first.url, oldKey);
      const thereOpen = connection(second.url, oldKey);
      for (const name of ["a", "d/b", "d/e/c"])
        await hereOpen.must(201, "PUT", `/v1/files/${name}`, { body: `of the first ${name}` });
      await thereOpen.must(200, "GET", "/v1/whoami");
      const [folder] = (await folders()).filter((name) => !earlier.has(name));
      expect(folder).toBeDefined();

      // Through the process that does not hold the mount.
      await onSecond.must(400, "DELETE", "/v1/tenants/again");
      const deleting = await onSecond.must(202, "DELETE", "/v1/tenants/again?confirm=again");
      const refused: Reply[] = await Promise.all([
        hereOpen.send("GET", "/v1/files/a"),
        thereOpen.send("GET", "/v1/whoami"),
        hereOpen.send("GET", "/v1/whoami"),
      ]);
      expect(refused.map(({ status }) => status)).toEqual([401, 401, 401]);

      const job = await waitFor(
        async () => {
          const { text } = await onFirst.must(200, "GET", `/v1/jobs/${deleting.member("job")}`);
          expect(text).not.toContain('"state":"dead"');
          return text.includes('"state":"done"') ? (JSON.parse(text) as unknown) : undefined;
        },
        { timeout: 30_000, interval: 100 },
      );
      expect(job).toMatchObject({
        kind: "tenant.delete",
        result: {
          tenant: "again",
          signature: expect.any(String),
          removed: expect.arrayContaining([
            expect.objectContaining({ what: "files", where: "/workspace/again", files: 3 }),
            expect.objectContaining({ what: "keys", count: 1 }),
          ]),
          kept: [expect.objectContaining({ what: "audit" })],
        },
      });
      expect(await folders()).not.toContain(folder);
      await onFirst.must(404, "GET", "/v1/tenants/again");
      await onSecond.must(404, "GET", "/v1/files/workspace/again/a");

      await onSecond.must(201, "POST", "/v1/tenants", { body: { id: "again" } });
      const newKey = await mint(onFirst, "/workspace/again");
      await onFirst.must(401, "GET", "/v1/whoami", { key: oldKey });
      await onSecond.must(401, "GET", "/v1/whoami", { key: oldKey });
      const list = await onFirst.must(200, "GET", "/v1/list/?recursive=true", { key: newKey });
      expect(JSON.parse(list.text)).toMatchObject({ entries: [] });
      await onFirst.must(404, "GET", "/v1/files/d/e/c", { key: newKey });
      const audit = await onFirst.must(200, "GET", "/v1/audit", { key: newKey });
      expect(audit.text).not.toContain("/d/e/c");
      const keys = await onFirst.must(200, "GET", "/v1/keys", { key: newKey });
      expect(keys.text.match(/"id":"[^"]{16}"/g)?.length).toBeLessThanOrEqual(2);
      expect(keys.text).not.toContain(oldKey.slice(4, 20));
      expect(await query(all.databaseUrl, "select id from bulkhead.intent")).toEqual([]);
    },
  );

  it("whoever held a tenant that is being deleted lets go of it, for the process that removes it", async () => {
    await onFirst.must(201, "POST", "/v1/tenants", { body: { id: "held" } });
    await onFirst.must(201, "PUT", "/v1/files/workspace/held/a", { body: "kept until then" });
    const holders = (): Promise<readonly unknown[]> =>
      query(
        all.databaseUrl,
        `select l.holder from bulkhead.lease l, bulkhead.tenant t where t.id = 'held'
           and l.holder is not null and starts_with(l.name, 'mount:root:' || t.uid)`,
      );
    expect(await holders()).toHaveLength(1);
    await onSecond.must(503, "GET", "/v1/files/workspace/held/a");
    await onSecond.must(202, "DELETE", "/v1/tenants/held?confirm=held&grace=PT1H");
    await waitFor(async () => (await holders()).length === 0, { timeout: 10_000 });
    // Until the hour is over the platform still reads it, through whom it likes.
    const read = await waitFor(async () => {
      const reply = await onSecond.send("GET", "/v1/files/workspace/held/a");
      return reply.status === 200 && reply.text;
    });
    expect(read).toBe("kept until then");
  });
});
