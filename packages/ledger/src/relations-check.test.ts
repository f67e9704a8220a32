import { parseVirtualPath } from "@bulkhead/contract";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { type Fixture, fixture, settlement } from "./test/fixture.ts";
import { inGroup, onFile, subject } from "./test/relations.ts";
import type { StoredSubject, StoredTuple } from "./types-relations.ts";

let at: Fixture;
let alpha: string;
let beta: string;

beforeAll(async () => {
  at = await fixture();
  alpha = (await at.tenant("alpha")).uid;
  beta = (await at.tenant("beta")).uid;
  await at.ledger.subjects.register(beta, { type: "user", id: "bob" });
  for (const group of ["g0", "g1", "g2"])
    await at.ledger.subjects.createGroup(settlement(alpha), alpha, group);
});
afterAll(() => at[Symbol.asyncDispose]());
beforeEach(() => at.sql("delete from bulkhead.relation"));

const alice = () => subject(alpha, "user:alice");
const bob = () => subject(beta, "user:bob");
const give = (...tuples: StoredTuple[]) =>
  at.ledger.relations.grant(settlement(alpha), tuples, undefined);
/** What is allowed below alpha's root, as letters. */
const may = async (who: StoredSubject, path: string): Promise<string> => {
  const verdict = await at.ledger.relations.check(
    who,
    alpha,
    parseVirtualPath(`/workspace/alpha${path}`),
  );
  return `${verdict.read ? "r" : ""}${verdict.write ? "w" : ""}${verdict.share ? "s" : ""}`;
};
const file = (path: string, role: StoredTuple["relation"], who: StoredSubject, until?: number) =>
  onFile(alpha, `/workspace/alpha${path}`, role, who, until);
const admin = (who: StoredSubject): StoredTuple => ({
  subject: who,
  relation: "admin",
  object: { tenant: alpha, type: "tenant" },
  expiresAt: undefined,
});

test("Roles give what the model says, on a path and below it, and nowhere else", async () => {
  expect(await may(alice(), "/a")).toBe("");
  await give(
    file("/v", "viewer", alice()),
    file("/e", "editor", alice()),
    file("/o", "owner", alice()),
  );
  for (const [path, expected] of [
    ["/v", "r"],
    ["/v/x/y", "r"],
    ["/e/x", "rw"],
    ["/o/x", "rws"],
    ["/vx", ""],
    ["/v.x", ""],
    ["", ""],
  ] as const)
    expect([path, await may(alice(), path)]).toEqual([path, expected]);
  expect(await may(subject(alpha, "agent:alice"), "/v")).toBe("");
  expect(await may(subject(beta, "user:alice"), "/v")).toBe("");
});

test("A block overrides along the whole path, also what is given further down, but not an admin", async () => {
  await give(
    file("/a", "owner", alice()),
    file("/a/b", "blocked", alice()),
    file("/a/b/c", "owner", alice()),
  );
  expect(await may(alice(), "/a")).toBe("rws");
  expect(await may(alice(), "/a/b")).toBe("");
  expect(await may(alice(), "/a/b/c/d")).toBe("");
  await give(admin(alice()));
  expect(await may(alice(), "/a/b/c/d")).toBe("rws");
  expect(await may(alice(), "/elsewhere")).toBe("rws");
});

test("What is given below a path alone is not given on it", async () => {
  await give(
    file("/b/*", "editor", alice()),
    file("/c", "editor", alice()),
    file("/c/*", "blocked", alice()),
  );
  expect(await may(alice(), "/b")).toBe("");
  expect(await may(alice(), "/b/x")).toBe("rw");
  expect(await may(alice(), "/c")).toBe("rw");
  expect(await may(alice(), "/c/x")).toBe("");
});

test("Groups nest, cycles end, and a membership's end ends what came through it", async () => {
  await give(
    file("/g", "viewer", subject(alpha, "group:g2")),
    inGroup("g2", subject(alpha, "group:g1")),
    inGroup("g1", subject(alpha, "group:g0")),
    inGroup("g0", subject(alpha, "group:g2")),
    inGroup("g0", alice()),
  );
  expect(await may(alice(), "/g")).toBe("r");
  expect(await may(subject(alpha, "group:g1"), "/g")).toBe("r");
  expect(await may(subject(alpha, "user:carol"), "/g")).toBe("");
  await give(inGroup("g0", alice(), Date.now() - 1));
  expect(await may(alice(), "/g")).toBe("");
  await give(admin(subject(alpha, "group:g1")), inGroup("g1", subject(alpha, "agent:bot")));
  expect(await may(subject(alpha, "agent:bot"), "/anything")).toBe("rws");
});

test("A block that names a group in which a cycle lies is one for everybody but admins", async () => {
  const { now } = await at.platform();
  await give(
    file("/k", "owner", alice()),
    file("/k/b", "blocked", subject(alpha, "group:g2")),
    inGroup("g2", subject(alpha, "group:g1")),
    inGroup("g1", subject(alpha, "group:g0")),
  );
  expect(await may(alice(), "/k/b")).toBe("rws");
  await give(inGroup("g0", subject(alpha, "group:g1"), now + 600_000));
  expect(await may(alice(), "/k/b")).toBe("");
  expect(await may(alice(), "/k")).toBe("rws");
  await give(inGroup("g0", subject(alpha, "group:g1"), now - 1));
  expect(await may(alice(), "/k/b")).toBe("rws");
  await give(inGroup("g0", subject(alpha, "group:g0")), admin(subject(alpha, "user:boss")));
  expect(await may(alice(), "/k/b")).toBe("");
  expect(await may(subject(alpha, "user:boss"), "/k/b")).toBe("rws");
});

test("Everybody means everybody of the type in the object's tenant; a tenant, all its subjects", async () => {
  await give(
    file("/w", "viewer", subject(alpha, "user:*")),
    file("/t", "editor", subject(alpha, "tenant")),
  );
  expect(await may(alice(), "/w/x")).toBe("r");
  expect(await may(subject(alpha, "agent:bot"), "/w")).toBe("");
  expect(await may(bob(), "/w")).toBe("");
  expect(await may(subject(alpha, "service:s"), "/t")).toBe("rw");
  expect(await may(bob(), "/t")).toBe("");
  await give(file("/t", "viewer", subject(beta, "tenant")));
  expect(await may(bob(), "/t")).toBe("r");
});

test("What has expired is absent, and what crosses dies with either suspension", async () => {
  await give(
    file("/x", "viewer", bob()),
    file("/x", "editor", bob(), Date.now() - 1),
    file("/x", "viewer", alice(), Date.now() + 60_000),
  );
  expect(await may(bob(), "/x/f")).toBe("r");
  expect(await may(alice(), "/x/f")).toBe("r");
  for (const uid of [alpha, beta]) {
    await at.ledger.tenants.suspend(settlement(uid), uid, undefined);
    expect(await may(bob(), "/x/f")).toBe("");
    await at.ledger.tenants.reactivate(settlement(uid), uid);
  }
  expect(await may(bob(), "/x/f")).toBe("r");
  // Another tenant's admins are nobody here.
  await at.ledger.relations.grant(
    settlement(beta),
    [{ ...admin(bob()), object: { tenant: beta, type: "tenant" } }],
    undefined,
  );
  expect(await may(bob(), "/y")).toBe("");
});
