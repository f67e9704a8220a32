import { query, testDatabase } from "@bulkhead/harness";
import { beforeEach, describe, expect, it, onTestFinished } from "vitest";
import { migrateTenantDatabase } from "./migrate.ts";
import { pools } from "./pools.ts";
import { postgres } from "./postgres.ts";
import { currentVersion, migrations } from "./schema/migrations.ts";
import { codeOf, ctx, get, put } from "./test/tools.ts";

const next = currentVersion + 1;
let url: string;
beforeEach(async () => {
  const database = await testDatabase();
  ({ url } = database);
  onTestFinished(() => database.close());
});

describe("migrating a tenant's database", () => {
  it("does nothing the second time, and is done once by several at once", async () => {
    await Promise.all([1, 2, 3].map(() => migrateTenantDatabase(url)));
    const backend = postgres({ url });
    onTestFinished(() => backend.close());
    await put(backend, "f", "kept");
    await migrateTenantDatabase(url);
    expect(await get(backend, "f")).toBe("kept");
    expect(await query(url, "select version from bulkhead.migration")).toEqual(
      migrations.map(({ version }) => ({ version })),
    );
  });

  it("goes forward, all of a step or nothing of it", async () => {
    await migrateTenantDatabase(url);
    const broken = {
      version: next,
      sql: (s: string) => `create table ${s}.more (n int); select 1/0;`,
    };
    await expect(migrateTenantDatabase(url, { steps: [...migrations, broken] })).rejects.toThrow(
      "division",
    );
    const second = { version: next, sql: (s: string) => `create table ${s}.more (n int);` };
    await migrateTenantDatabase(url, { steps: [...migrations, second] });
    expect(await query(url, "select n from bulkhead.more")).toEqual([]);
    await expect(migrateTenantDatabase(url)).rejects.toThrow("newer release");
    const changed = [
      { ...migrations[0], version: 1, sql: () => "select 1" },
      ...migrations.slice(1),
      second,
    ];
    await expect(migrateTenantDatabase(url, { steps: changed })).rejects.toThrow("not the one");
  });

  it("is asked for by 'probe', and refused for a schema that is no plain name", async () => {
    const backend = postgres({ url });
    onTestFinished(() => backend.close());
    expect(await codeOf(backend.probe(ctx()))).toBe("unavailable");
    expect(await codeOf(put(backend, "f", "x"))).toBe("unavailable");
    await migrateTenantDatabase(url);
    await backend.probe(ctx());
    await query(url, "insert into bulkhead.migration (version, hash) values ($1, 'x')", [next]);
    expect(await codeOf(backend.probe(ctx()))).toBe("unavailable");
    for (const schema of ["", "A", "pg_x", 'a"b', "a'b", "1a", "a".repeat(64)]) {
      expect(await codeOf(migrateTenantDatabase(url, { schema }))).toBe("invalid-request");
      expect(() => postgres({ url, schema })).toThrow(
        expect.objectContaining({ code: "invalid-request" }),
      );
    }
    await expect(
      migrateTenantDatabase("postgresql://nobody@localhost:1/none"),
    ).rejects.toMatchObject({
      code: "unavailable",
    });
  });

  it("keeps trees in schemas of one database apart, over connections that both use", async () => {
    for (const schema of ["one", "two"]) await migrateTenantDatabase(url, { schema });
    const shared = pools({ maxConnections: 1 });
    const backends = ["one", "two"].map((schema) => postgres({ url, schema, pools: shared }));
    onTestFinished(async () => {
      for (const backend of backends) await backend.close();
      await shared.close();
    });
    for (const [i, backend] of backends.entries()) await put(backend, "f", `tree ${i}`);
    for (const [i, backend] of backends.entries())
      expect(await get(backend, "f")).toBe(`tree ${i}`);
  });
});

it("says 'unavailable' once it is closed, and knows no region", async () => {
  await migrateTenantDatabase(url);
  const backend = postgres({ url });
  expect([backend.scheme, await backend.region()]).toEqual(["postgres", undefined]);
  const writing = put(backend, "f", "x");
  await backend.close();
  expect(await codeOf(writing)).toBe("resolved");
  expect(await codeOf(backend.probe(ctx()))).toBe("unavailable");
  expect(await codeOf(backend.sweep(ctx()))).toBe("unavailable");
});
