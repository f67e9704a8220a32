// Concept page, row C6: what becomes of a key's secret.
//
// Changes against the published text: it says nothing of where a secret may turn up, and its neighbours print theirs. Here
// everything that was said to anybody, written to the log or stored is searched for it.
import { query } from "@bulkhead/harness";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { api } from "../support/api.ts";
import { mintedOf } from "../support/shapes.ts";
import { fronts } from "./actors/ways.ts";
import { meet, type Party, secretOf, type World } from "./actors/world.ts";

describe.each(fronts)("by $way", (front) => {
  const unauthenticated = front.refusal("unknown", "unauthenticated");
  const outside = front.refusal("denied", "outside-workspace");
  let world: World;
  let a: Party;
  let b: Party;

  beforeAll(async () => {
    world = await meet(front);
    a = await world.party("tenant-a");
    b = await world.party("tenant-b");
    await a.actor.write("/f.txt", "f");
  });
  afterAll(() => world[Symbol.asyncDispose]());

  it("is shown once: in no other answer, in no log, in no audit entry, in no table", async () => {
    const before = world.heard.length;
    const first = await a.actor.mintKey({
      name: "grepped",
      workspacePrefix: a.root,
      scopes: ["read", "write", "admin"],
    });
    const second = await a.actor.rotateKey(first.id, 60);
    for (const secret of [secretOf(first), secretOf(second)]) {
      const actor = world.as(secret);
      await actor.read("/f.txt");
      await actor.write("/by-it.txt", "x");
      await expect(actor.read(`${b.root}/f.txt`)).rejects.toMatchObject(outside);
      await actor.whoami();
      await actor.listKeys();
      await actor.getKey(first.id);
      await actor.narrowKey(first.id, { name: "renamed" });
    }
    await a.actor.revokeKey(first.id);
    await expect(world.as(secretOf(first)).whoami()).rejects.toMatchObject(unauthenticated);
    // Longer than the audit log's denials wait.
    await new Promise((resolve) => setTimeout(resolve, 1500));
    await a.actor.audit();
    await world.platform.audit("tenant-a");
    await world.platform.audit();
    await world.platform.listKeys("tenant-a");

    const tables = await query(
      world.server.databaseUrl,
      "select table_name from information_schema.tables where table_schema = 'bulkhead' and table_type = 'BASE TABLE'",
    );
    expect(tables.length).toBeGreaterThan(5);
    const rows = await Promise.all(
      tables.map(({ table_name: name }) =>
        query(
          world.server.databaseUrl,
          `select string_agg(to_jsonb(t)::text, ' ') as text from bulkhead."${String(name)}" t`,
        ),
      ),
    );
    const stored = rows.map(([row]) => String(row?.["text"])).join("\n");
    expect(stored).toContain(first.id);
    for (const key of [secretOf(first), secretOf(second)]) {
      const secret = key.slice(21);
      const answers = world.heard.slice(before).filter((text) => text.includes(secret));
      // The command line prints what it was answered: the same one answer.
      expect(answers).toHaveLength(front.way === "cli" ? 2 : 1);
      expect(world.server.lines.filter((line) => line.includes(secret))).toEqual([]);
      expect(stored).not.toContain(secret);
    }
  });
});

describe("by http, sent again under the same Idempotency-Key", () => {
  it("the answer to a mint or a rotation comes without its secret", async () => {
    const [front] = fronts;
    if (front === undefined) throw new Error("There is no front.");
    await using world = await meet(front);
    const a = await world.party("tenant-a");
    const { send } = api(world.server.url, a.key);
    const body = { name: "k", workspacePrefix: a.root };
    const headers = { "Idempotency-Key": "mint-1" };
    const first = await send("POST", "/v1/keys", { body, headers });
    const { id, key } = mintedOf(first);
    const again = await send("POST", "/v1/keys", { body, headers });
    expect(again).toMatchObject({ status: 201, json: { id, key: null, replayed: true } });
    expect(again.text).not.toContain(key.slice(21));
    const rotation = { body: {}, headers: { "Idempotency-Key": "rotate-1" } };
    const rotated = mintedOf(await send("POST", `/v1/keys/${id}/rotate`, rotation));
    const twice = await send("POST", `/v1/keys/${id}/rotate`, rotation);
    expect(twice).toMatchObject({ status: 201, json: { id: rotated.id, key: null } });
    expect((await a.actor.listKeys()).filter(({ name }) => name === "k")).toHaveLength(2);
  });
});
