import { isUnder, parseVirtualPath, type Revision, type VirtualPath } from "@bulkhead/contract";
import { afterAll, beforeAll, expect, test } from "vitest";
import { expireRelations } from "./relation-expiry.ts";
import { createChanges } from "./change.ts";
import { openDatabase } from "./database.ts";
import { type Fixture, draft, fixture, settlement } from "./test/fixture.ts";
import { inGroup, onFile, subject } from "./test/relations.ts";
import type { RelationChange, StoredTuple } from "./types-relations.ts";
import type { RelationStore } from "./types-relations.ts";
import { platformUid } from "./types.ts";

let at: Fixture;
let relations: RelationStore;
let alpha: string;
let beta: string;

beforeAll(async () => {
  at = await fixture();
  ({ relations } = at.ledger);
  alpha = (await at.tenant("alpha")).uid;
  beta = (await at.tenant("beta")).uid;
  await at.ledger.subjects.register(beta, { type: "user", id: "bob" });
});
afterAll(() => at[Symbol.asyncDispose]());

const alice = () => subject(alpha, "user:alice");
const bob = () => subject(beta, "user:bob");
const root = "/workspace/alpha";
const grant = (...tuples: StoredTuple[]) => relations.grant(settlement(alpha), tuples, undefined);
const revisionOf = async (uid: string): Promise<Revision> => {
  const [revision] = await relations.revisions([uid]);
  if (revision === undefined) throw new Error("No such tenant.");
  const { tenant, epoch, n } = revision;
  return { tenant, epoch, n };
};
const deltaOf = async (uid: string, since: Revision) => {
  const delta = await relations.delta(uid, since);
  if (delta === "gap") throw new Error("A gap.");
  return delta.changes;
};

test("A grant is told with its revision, and the same one again is renewed under its id", async () => {
  const before = await revisionOf(alpha);
  const tuple = onFile(alpha, `${root}/a`, "viewer", alice());
  const first = await grant(tuple);
  expect(first.revision).toEqual({ ...before, n: before.n + 1 });
  expect(first.relations).toMatchObject([
    { ...tuple, createdBy: "service:test", share: undefined },
  ]);
  const until = Date.now() + 3_600_000;
  const again = await grant({ ...tuple, expiresAt: until });
  expect(again.relations[0]).toMatchObject({ id: first.relations[0]?.id, expiresAt: until });
  expect(await deltaOf(alpha, before)).toEqual([
    { kind: "add", tuple },
    { kind: "drop", tuple },
    { kind: "add", tuple: { ...tuple, expiresAt: until } },
  ]);
  expect((await relations.list({ tenant: alpha })).items).toEqual(again.relations);
  expect(await relations.get(again.relations[0]?.id ?? "")).toEqual(again.relations[0]);
  expect(await relations.get("nonsense")).toBeUndefined();
  // Who was not known is now.
  expect(await at.ledger.subjects.find(alpha, "alice")).toEqual([{ type: "user", id: "alice" }]);
});

test("All or none, at most 1,000, of one tenant, within the model", async () => {
  const good = onFile(alpha, `${root}/none`, "viewer", alice());
  const elsewhere = onFile(beta, "/workspace/beta", "viewer", bob());
  const before = await revisionOf(alpha);
  const invalid = { code: "invalid-request" };
  const missing = { code: "not-found" };
  for (const [bad, code] of [
    [[], invalid],
    [
      Array.from({ length: 1001 }, (_, i) => onFile(alpha, `${root}/${i}`, "viewer", alice())),
      invalid,
    ],
    [[good, elsewhere], invalid],
    // Another tenant's subjects become viewer or editor of files, and nothing else.
    [[good, onFile(alpha, root, "owner", bob())], invalid],
    [[good, onFile(alpha, root, "blocked", bob())], invalid],
    [[good, onFile(alpha, root, "viewer", subject(beta, "user:*"))], invalid],
    [
      [
        good,
        { ...inGroup("x", bob()), object: { tenant: alpha, type: "tenant" }, relation: "admin" },
      ],
      invalid,
    ],
    [[good, onFile(alpha, root, "owner", subject(alpha, "user:*"))], invalid],
    [[good, onFile(alpha, root, "member", alice())], invalid],
    [[good, onFile(alpha, root, "blocked", subject(alpha, "tenant"))], invalid],
    [[good, inGroup("nobody-made-it", alice())], missing],
    [[good, onFile(alpha, root, "viewer", subject(alpha, "group:nobody-made-it"))], missing],
    [[good, onFile(alpha, root, "viewer", subject(beta, "user:nobody"))], missing],
    [
      [
        good,
        onFile(alpha, root, "viewer", subject("00000000-0000-4000-8000-000000000000", "tenant")),
      ],
      missing,
    ],
  ] satisfies [StoredTuple[], object][])
    await expect(grant(...bad)).rejects.toMatchObject(code);
  expect(await revisionOf(alpha)).toEqual(before);
  expect((await relations.list({ path: parseVirtualPath(`${root}/none`) })).items).toEqual([]);
});

test("What crosses tenants is told to both, and each hears only what concerns it", async () => {
  const [own, other] = [await revisionOf(alpha), await revisionOf(beta)];
  const crossing = onFile(alpha, `${root}/shared/f`, "editor", bob());
  const inside = onFile(alpha, `${root}/secret`, "viewer", alice());
  const made = await grant(crossing, inside);
  expect(await deltaOf(alpha, own)).toEqual([
    { kind: "add", tuple: crossing },
    { kind: "add", tuple: inside },
  ]);
  expect(await deltaOf(beta, other)).toEqual([{ kind: "add", tuple: crossing }]);
  expect((await relations.list({ crossing: true })).items).toMatchObject([crossing]);
  expect((await relations.list({ subjectTenant: beta })).items).toMatchObject([crossing]);
  expect((await relations.load(beta, undefined, 100)).tuples).toEqual([crossing]);
  const before = await revisionOf(beta);
  const { revoked } = await relations.revoke(settlement(alpha), alpha, [
    ...made.relations.map(({ id }) => id),
    "00000000-0000-4000-8000-000000000000",
    "nonsense",
  ]);
  const byId = (a: { id: string }, b: { id: string }): number => (a.id < b.id ? -1 : 1);
  expect(revoked).toEqual(made.relations.toSorted(byId));
  expect(await deltaOf(beta, before)).toEqual([{ kind: "drop", tuple: crossing }]);
  expect((await relations.load(beta, undefined, 100)).tuples).toEqual([]);
});

test("Nobody revokes another tenant's relation by its id", async () => {
  const { relations: made } = await grant(onFile(alpha, `${root}/b`, "viewer", alice()));
  const id = made[0]?.id ?? "";
  expect((await relations.revoke(settlement(beta), beta, [id])).revoked).toEqual([]);
  expect(await relations.get(id)).toBeDefined();
});

test("A revoke waits for commits of both tenants that were decided before it", async () => {
  const { relations: made } = await grant(onFile(alpha, `${root}/c`, "viewer", bob()));
  for (const side of [alpha, beta]) {
    await using commit = await at.connect("bulkhead_system");
    await commit.client.query("begin");
    await commit.client.query("select pg_advisory_xact_lock_shared(bulkhead.fence_key($1))", [
      side,
    ]);
    let done = false;
    const revoking = relations
      .revoke(settlement(alpha), alpha, side === alpha ? [] : made.map(({ id }) => id))
      .then(() => (done = true));
    if (side === beta) {
      await new Promise((resolve) => setTimeout(resolve, 60));
      expect(done).toBe(false);
    } else await new Promise((resolve) => setTimeout(resolve, 60));
    expect(done).toBe(false);
    await commit.client.query("commit");
    await revoking;
  }
});

test("Who decided before something was taken away decides again; what others gave meanwhile is no matter", async () => {
  const { relations: made } = await grant(onFile(alpha, `${root}/d`, "owner", alice()));
  const decided = settlement(alpha, [await revisionOf(alpha)]);
  await grant(onFile(alpha, `${root}/e`, "viewer", alice()));
  const tuple = onFile(alpha, `${root}/d/x`, "viewer", alice());
  await relations.grant(decided, [tuple], undefined);
  await relations.revoke(
    settlement(alpha),
    alpha,
    made.map(({ id }) => id),
  );
  await expect(
    relations.grant(decided, [onFile(alpha, `${root}/d/y`, "viewer", alice())], undefined),
  ).rejects.toMatchObject({ code: "conflict" });
  await relations.grant(settlement(alpha, [await revisionOf(alpha)]), [tuple], undefined);
});

test("Lists are filtered and paged, without what has expired", async () => {
  await at.ledger.subjects.createGroup(settlement(alpha), alpha, "staff");
  await grant(
    inGroup("staff", alice()),
    onFile(alpha, `${root}/l`, "viewer", subject(alpha, "group:staff")),
  );
  await grant(onFile(alpha, `${root}/l`, "viewer", alice(), Date.now() - 1000));
  const path = parseVirtualPath(`${root}/l`);
  expect(
    (await relations.list({ tenant: alpha, path })).items.map((one) => one.subject.id),
  ).toEqual(["staff"]);
  expect(
    (await relations.list({ tenant: alpha, subject: { type: "group", id: "staff" } })).items,
  ).toHaveLength(1);
  expect((await relations.list({ object: { type: "group", id: "staff" } })).items).toMatchObject([
    inGroup("staff", alice()),
  ]);
  expect((await relations.list({ relation: "member" })).items).toHaveLength(1);
  const all = (await relations.list({ tenant: alpha })).items;
  const paged = [];
  for (let after: string | undefined, more = true; more; more = after !== undefined) {
    const page = await relations.list({ tenant: alpha, limit: 2, after });
    paged.push(...page.items);
    after = page.next;
  }
  expect(paged).toEqual(all);
});

test("What expired is tidied, and graphs are told to forget it", async () => {
  const over = onFile(alpha, `${root}/over`, "viewer", bob(), Date.now() - 5000);
  await at.sql("delete from bulkhead.relation where expires_at <= bulkhead.now()");
  await grant(over, onFile(alpha, `${root}/later`, "viewer", bob(), Date.now() + 60_000));
  const [own, other] = [await revisionOf(alpha), await revisionOf(beta)];
  const database = openDatabase({
    url: at.url,
    role: "bulkhead_system",
    max: 1,
    connectMs: 1500,
    statementMs: 1500,
    name: "sweep",
  });
  try {
    expect(await expireRelations(database, createChanges(database))).toBe(1);
    expect(await expireRelations(database, createChanges(database))).toBe(0);
  } finally {
    await database.close();
  }
  for (const [uid, since] of [
    [alpha, own],
    [beta, other],
  ] as const)
    expect(await deltaOf(uid, since)).toEqual([{ kind: "drop", tuple: over }]);
});

test("A gap, another epoch and a revision that is not there yet are told", async () => {
  const start = await revisionOf(alpha);
  await grant(onFile(alpha, `${root}/gap`, "viewer", alice()));
  await grant(onFile(alpha, `${root}/gap`, "editor", alice()));
  const now = await revisionOf(alpha);
  expect(await relations.delta(alpha, { ...now, n: now.n + 1 })).toBe("gap");
  expect(await relations.delta(alpha, { ...start, epoch: platformUid })).toBe("gap");
  // What concerns no graph is passed over.
  await at.ledger.tenants.patch(settlement(alpha), alpha, { limits: { bytes: null } });
  expect(await deltaOf(alpha, now)).toEqual([]);
  await at.sql(
    "update bulkhead.changelog set at = at - interval '8 days' where tenant = $1 and n = $2",
    [alpha, start.n + 1],
  );
  await using system = await at.connect("bulkhead_system");
  await system.client.query("select bulkhead.changelog_purge_v1()");
  expect(await relations.delta(alpha, start)).toBe("gap");
  expect(await deltaOf(alpha, { ...start, n: start.n + 1 })).toHaveLength(1);
});

test("Revisions of many come with their tenants' status, from one read", async () => {
  await at.ledger.tenants.suspend(settlement(beta), beta, undefined);
  const unknown = "00000000-0000-4000-8000-000000000000";
  const found = await relations.revisions([beta, "platform", unknown, "nonsense", alpha]);
  expect(found.map(({ tenant, status }) => [tenant, status])).toEqual([
    [beta, "suspended"],
    ["platform", undefined],
    [alpha, "active"],
  ]);
  await at.ledger.tenants.reactivate(settlement(beta), beta);
});

/** A graph that only remembers: every tuple by all it says, as often as it was given. */
const remember = () => {
  let held: StoredTuple[] = [];
  const textOf = (tuple: StoredTuple): string =>
    JSON.stringify([tuple.subject, tuple.relation, tuple.object, tuple.expiresAt, tuple.belowOnly]);
  const atPath = (tuple: StoredTuple, path: VirtualPath): boolean =>
    tuple.object.type === "file" && isUnder(path, tuple.object.path);
  return {
    texts: () => held.map(textOf).sort(),
    apply: (change: RelationChange): void => {
      switch (change.kind) {
        case "add":
          held.push(change.tuple);
          return;
        case "drop": {
          const at = held.findIndex((tuple) => textOf(tuple) === textOf(change.tuple));
          if (at >= 0) held.splice(at, 1);
          return;
        }
        case "purge":
          held = held.filter((tuple) => !atPath(tuple, change.path));
          return;
        case "move":
          held = held.map((tuple) =>
            atPath(tuple, change.from) && tuple.object.type === "file"
              ? {
                  ...tuple,
                  object: {
                    ...tuple.object,
                    path: parseVirtualPath(change.to + tuple.object.path.slice(change.from.length)),
                  },
                }
              : tuple,
          );
          return;
        default:
          change satisfies never;
      }
    },
  };
};

test("What the changelog tells adds up to what a load reads, for both tenants, whatever happens", async () => {
  const graphs = [];
  for (const uid of [alpha, beta]) {
    const graph = remember();
    let after: string | undefined;
    let revision: Revision | undefined;
    do {
      const page = await relations.load(uid, after, 3);
      for (const tuple of page.tuples) graph.apply({ kind: "add", tuple });
      revision ??= page.revision;
      expect(page.revision).toEqual(revision);
      after = page.next;
    } while (after !== undefined);
    graphs.push({ uid, graph, revision });
  }
  let seed = 7;
  const pick = <T>(from: readonly T[]): T => {
    seed = (seed * 1103515245 + 12345) % 2147483648;
    const one = from[seed % from.length];
    if (one === undefined) throw new Error("Nothing to pick.");
    return one;
  };
  const paths = ["/p", "/p/q", "/p/q/r", "/s", "/s/q", "/p.x"].map((path) => root + path);
  const everybody = [
    alice(),
    bob(),
    subject(alpha, "group:staff"),
    subject(beta, "tenant"),
    subject(alpha, "user:*"),
  ];
  for (let round = 0; round < 60; round++) {
    const what = pick(["grant", "grant", "grant", "share", "revoke", "move", "purge", "end"]);
    const path = pick(paths);
    const who = pick(everybody);
    const role =
      who.tenant === beta || who.id === "*" ? "viewer" : pick(["viewer", "editor"] as const);
    if (what === "grant")
      await grant(
        onFile(alpha, path, role, who, pick([true, false]) ? undefined : Date.now() + 100_000),
      );
    else if (what === "share")
      await at.ledger.shares.create(
        settlement(alpha),
        {
          sourceTenant: alpha,
          subject: who,
          path: parseVirtualPath(path),
          target: "x",
          permission: "can_read",
          expiresAt: undefined,
          maxUses: undefined,
          tokenHash: undefined,
          passwordHash: undefined,
        },
        undefined,
      );
    else if (what === "revoke" || what === "end") {
      const { items } = await relations.list({ tenant: alpha, path: parseVirtualPath(path) });
      const one = items[0];
      if (one === undefined) continue;
      if (what === "end" && one.share !== undefined)
        await at.ledger.shares.revoke(settlement(alpha), one.share);
      else await relations.revoke(settlement(alpha), alpha, [one.id]);
    } else {
      const to = what === "move" ? pick(paths) : null;
      if (
        to !== null &&
        (isUnder(parseVirtualPath(to), parseVirtualPath(path)) ||
          isUnder(parseVirtualPath(path), parseVirtualPath(to)))
      )
        continue;
      await at.sql("select bulkhead.relations_follow_v1($1, $2, $3)", [alpha, path, to]);
    }
    for (const one of graphs) {
      const delta = await relations.delta(one.uid, one.revision);
      if (delta === "gap") throw new Error("A gap.");
      for (const change of delta.changes) one.graph.apply(change);
      one.revision = delta.revision;
      const fresh = remember();
      for (const tuple of (await relations.load(one.uid, undefined, 1000)).tuples)
        fresh.apply({ kind: "add", tuple });
      expect(one.graph.texts(), `round ${round}: ${what}`).toEqual(fresh.texts());
    }
  }
});

test.each(["block", "membership", "renewal with an end"] as const)(
  "A %s may take something away: it waits for commits that were decided before, and who decided does so again",
  async (kind) => {
    await at.ledger.subjects.createGroup(settlement(alpha), alpha, `kept-out-${kind.length}`);
    const held = onFile(alpha, `${root}/d/z`, "viewer", alice());
    await grant(held);
    const decided = settlement(alpha, [await revisionOf(alpha)]);
    await using commit = await at.connect("bulkhead_app");
    await commit.client.query("begin");
    await commit.client.query("select pg_advisory_xact_lock_shared(bulkhead.fence_key($1::uuid))", [
      alpha,
    ]);
    let done = false;
    const taking = grant(
      {
        block: onFile(alpha, `${root}/d/z`, "blocked", alice()),
        membership: inGroup(`kept-out-${kind.length}`, alice()),
        "renewal with an end": { ...held, expiresAt: Date.now() + 60_000 },
      }[kind],
    ).then(() => (done = true));
    await new Promise((resolve) => setTimeout(resolve, 60));
    expect(done).toBe(false);
    await commit.client.query("commit");
    await taking;
    await expect(
      relations.grant(decided, [onFile(alpha, `${root}/d/y`, "viewer", alice())], undefined),
    ).rejects.toMatchObject({ code: "conflict" });
  },
);

test("The audit entry and the idempotency row come with the change", async () => {
  const tuple = onFile(alpha, `${root}/audited`, "viewer", alice());
  await relations.grant(
    settlement(alpha, [], { audit: draft("k", "relation.grant") }),
    [tuple],
    undefined,
  );
  expect((await at.ledger.auditLog.list(alpha, { action: "relation.grant" })).items).toHaveLength(
    1,
  );
});
