import { query, testServer } from "@bulkhead/harness";
import { randomBytes } from "node:crypto";
import pg from "pg";
import { afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import { adminOf } from "./admin.ts";
import { databaseName } from "./database-name.ts";
import { postgres } from "./postgres.ts";
import { deprovision, newPassword, openDatabases, provision } from "./provision.ts";
import { literal, quoted } from "./schema/quoted.ts";
import { scramVerifier } from "./scram.ts";
import { ctx, get, put } from "./test/tools.ts";

let adminUrl: string;
const made: string[] = [];
beforeAll(async () => {
  adminUrl = await testServer();
});
afterEach(async () => {
  vi.restoreAllMocks();
  for (const name of made.splice(0)) await deprovision({ adminUrl, name });
});

/** A uid that no other run has. */
const fresh = (slug: string): string => {
  const name = databaseName(slug, randomBytes(8).toString("hex"));
  made.push(name);
  return name;
};

const leftOf = async (name: string): Promise<unknown> =>
  (
    await query(
      adminUrl,
      "select (select count(*)::int from pg_database where datname = $1) as databases, (select count(*)::int from pg_roles where rolname = $1) as roles",
      [name],
    )
  )[0];

const reaches = async (url: string): Promise<string> => {
  const client = new pg.Client({ connectionString: url });
  try {
    await client.connect();
    return "connected";
  } catch (error) {
    return error instanceof pg.DatabaseError ? (error.code ?? "") : String(error);
  } finally {
    await client.end().catch(() => undefined);
  }
};

describe("the name of a tenant's database", () => {
  const alike: readonly (readonly [
    string,
    readonly [string, string],
    readonly [string, string],
  ])[] = [
    [
      "tenants whose slugs are alike for 63 bytes",
      ["a".repeat(63) + "b", "1"],
      ["a".repeat(63) + "c", "2"],
    ],
    ["tenants whose slugs differ in case", ["Acme", "1"], ["acme", "1"]],
    ["tenants whose slugs differ in what is replaced", ["a-b", "1"], ["a_b", "1"]],
    ["a tenant and its predecessor of the same id", ["acme", "1"], ["acme", "2"]],
    ["pairs that are one text when joined", ["ab", "c"], ["a", "bc"]],
    ["texts with quotes", ['a"', "1"], ["a", '"1']],
  ];
  it.each(alike)("is another for %s", (_what, one, other) => {
    expect(databaseName(...one)).not.toBe(databaseName(...other));
    expect(databaseName(...one)).toBe(databaseName(...one));
  });

  it("has at most 63 bytes, of a-z, 0-9 and '_', so that nothing cuts or folds it", () => {
    for (const slug of ["", "a", "a".repeat(200), "é".repeat(80), "😀", '";drop--', "ÀÉ"])
      expect(databaseName(slug, "uid")).toMatch(/^[a-z][a-z0-9_]{0,62}$/);
  });
});

describe("quoting", () => {
  it("keeps names and texts what they are, and refuses what cannot be one", async () => {
    const text = `a'b\\'"\n${"x".repeat(5)}`;
    const [row] = await query(adminUrl, `select ${literal(text)} as ${quoted('a"b')}`);
    expect(row).toEqual({ 'a"b': text });
    for (const name of ["", "a\u0000b", "a".repeat(64), "é".repeat(32)])
      expect(() => quoted(name)).toThrow(expect.objectContaining({ code: "invalid-request" }));
  });
});

/** Shows every statement of this process to `see` first; what it throws, the statement rejects with. */
const spyOnQueries = (see: (statement: unknown) => void) => {
  const real: (...args: unknown[]) => unknown = Reflect.get(pg.Client.prototype, "query");
  return vi.spyOn(pg.Client.prototype, "query").mockImplementation(function (
    this: pg.Client,
    ...args: unknown[]
  ) {
    see(args[0]);
    return Reflect.apply(real, this, args);
  });
};

describe("provisioning", () => {
  it("makes a database in which the tenant's role serves a tree, twice without harm", async () => {
    const name = fresh("acme");
    const password = newPassword();
    const first = await provision({ adminUrl, name, password });
    expect(first).toMatchObject({ database: name, role: name });
    const backend = postgres({ url: first.url });
    await put(backend, "d/f", "kept");
    expect(await provision({ adminUrl, name, password })).toEqual(first);
    await backend.probe(ctx());
    expect(await get(backend, "d/f")).toBe("kept");
    await backend.close();
  });

  it("keeps a tenant's role out of another tenant's database, and in its own", async () => {
    const [a, b] = [fresh("a"), fresh("b")];
    const password = newPassword();
    const [of, other] = [
      await provision({ adminUrl, name: a, password }),
      await provision({ adminUrl, name: b, password }),
    ];
    expect(await reaches(of.url)).toBe("connected");
    expect(await reaches(adminOf(of.url, b))).toBe("42501");
    expect(await reaches(adminOf(other.url, a))).toBe("42501");
    const [may] = await query(
      adminUrl,
      `select has_database_privilege($1, $2, 'connect') as other, has_database_privilege($1, $1, 'connect') as own,
              has_database_privilege($1, $1, 'create') as creates, has_database_privilege($1, $1, 'temp') as temp`,
      [a, b],
    );
    expect(may).toEqual({ other: false, own: true, creates: false, temp: false });
    const [role] = await query(
      adminUrl,
      "select rolsuper, rolcreatedb, rolcreaterole, rolbypassrls, rolcanlogin from pg_roles where rolname = $1",
      [a],
    );
    expect(Object.values(role ?? {})).toEqual([false, false, false, false, true]);
    await expect(
      query(of.url, `grant connect on database ${quoted(a)} to public`),
    ).resolves.toBeDefined();
    expect(await reaches(adminOf(other.url, a))).toBe("42501");
    await expect(query(of.url, `drop database ${quoted(b)}`)).rejects.toThrow();
    const open = await openDatabases(adminUrl);
    expect(open).not.toContain(a);
    expect(open).toContain("postgres");
  });

  it("gives two tenants whose slugs collide after truncation or folding two databases", async () => {
    const long = "x".repeat(80);
    const names = [`${long}1`, `${long}2`, "Same", "same"].map((slug) => {
      const name = databaseName(slug, "the same uid in this test");
      made.push(name);
      return name;
    });
    const urls: string[] = [];
    for (const name of names)
      urls.push((await provision({ adminUrl, name, password: newPassword() })).url);
    for (const [i, url] of urls.entries()) {
      const backend = postgres({ url });
      await put(backend, "f", `tenant ${i}`);
      await backend.close();
    }
    for (const [i, url] of urls.entries()) {
      const backend = postgres({ url });
      expect(await get(backend, "f")).toBe(`tenant ${i}`);
      await backend.close();
    }
  });

  it("runs the operator's SQL once, as the tenant's role, wholly or not at all", async () => {
    const name = fresh("sql");
    const password = newPassword();
    const good = "create table public.app (n int); insert into public.app values (1);";
    const broken = `${good} select 1/0;`;
    await expect(
      provision({ adminUrl, name, password, provisioningSql: broken }),
    ).rejects.toMatchObject({ code: "internal" });
    const { url } = await provision({ adminUrl, name, password, provisioningSql: good });
    await provision({ adminUrl, name, password, provisioningSql: good });
    expect(await query(url, "select n from public.app")).toEqual([{ n: 1 }]);
    const escaping = `create role ${quoted(`${name}_x`)}`;
    await expect(
      provision({ adminUrl, name, password, provisioningSql: escaping }),
    ).rejects.toMatchObject({ code: "internal" });
  });

  it("goes on after a crash at any step, and can be undone after any", async () => {
    const password = newPassword();
    for (const undo of [false, true])
      for (let nth = 1; ; nth++) {
        const name = fresh(`crash${nth}`);
        let queries = 0;
        const spy = spyOnQueries(() => {
          queries += 1;
          if (queries >= nth) throw new Error("crash");
        });
        const outcome = await provision({
          adminUrl,
          name,
          password,
          provisioningSql: "create table public.app (n int)",
        }).catch((error: unknown) => error);
        spy.mockRestore();
        if (queries < nth) break;
        expect(outcome, `query ${nth}`).toBeInstanceOf(Error);
        expect(JSON.stringify(outcome)).not.toContain(password);
        if (!undo) {
          const { url } = await provision({
            adminUrl,
            name,
            password,
            provisioningSql: "create table public.app (n int)",
          });
          const backend = postgres({ url });
          await put(backend, "f", "x");
          await backend.close();
          expect(await query(url, "select n from public.app")).toEqual([]);
        }
        await deprovision({ adminUrl, name });
        await deprovision({ adminUrl, name });
        expect(await leftOf(name), `query ${nth}`).toEqual({ databases: 0, roles: 0 });
      }
  }, 180_000);

  it("ends the connections of a database that it undoes", async () => {
    const name = fresh("busy");
    const { url } = await provision({ adminUrl, name, password: newPassword() });
    const backend = postgres({ url });
    await put(backend, "f", "x");
    await deprovision({ adminUrl, name });
    await expect(get(backend, "f")).rejects.toMatchObject({ code: "unavailable" });
    await expect(get(backend, "f")).rejects.toMatchObject({ code: "unavailable" });
    await backend.close();
    expect(await leftOf(name)).toEqual({ databases: 0, roles: 0 });
  });

  it("sends no password to the server, and stores what it proves", async () => {
    const name = fresh("secret");
    const password = newPassword();
    const texts: string[] = [];
    const spy = spyOnQueries((statement) => void texts.push(JSON.stringify(statement)));
    await provision({ adminUrl, name, password });
    spy.mockRestore();
    expect(texts.filter((text) => text.includes("password"))).toHaveLength(1);
    expect(texts.join("\n")).not.toContain(password);
    const [row] = await query(
      adminUrl,
      "select rolpassword as p from pg_authid where rolname = $1",
      [name],
    );
    const stored = String(row?.["p"]);
    const salt = Buffer.from(stored.split(":")[1]?.split("$")[0] ?? "", "base64");
    expect(scramVerifier(password, salt)).toBe(stored);
    expect(
      scramVerifier("pencil-pencil-pencil", Buffer.from("W22ZaJ0SNY7soEsUEjb6gQ==", "base64")),
    ).not.toBe(stored);
  });

  it("refuses a password that is short or not ASCII, before anything is made", async () => {
    const name = fresh("weak");
    for (const password of ["", "short", "with a space in it, long", "ä".repeat(20)])
      await expect(provision({ adminUrl, name, password })).rejects.toMatchObject({
        code: "invalid-request",
      });
    expect(await leftOf(name)).toEqual({ databases: 0, roles: 0 });
  });
});

// RFC 7677 §3, in the form that PostgreSQL keeps.
it("makes the verifier of the RFC's example", () => {
  const verifier = scramVerifier("pencil", Buffer.from("W22ZaJ0SNY7soEsUEjb6gQ==", "base64"));
  expect(verifier).toBe(
    "SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ==$WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=:wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU=",
  );
});
