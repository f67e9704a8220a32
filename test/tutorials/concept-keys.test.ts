// Concept page, row C6: keys.
//
// Changes against the published text: it makes a user first and hangs the key on it; users come with relations, so a key
// here is bound to a prefix and stands for itself. Its scopes are named otherwise on the page; here they are read, write,
// share and admin. `revoke_api_key` is `revokeKey`, and takes the key's id.
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { connection } from "../processes/connection.ts";
import type { Actor } from "./actors/actor.ts";
import { fronts } from "./actors/ways.ts";
import { meet, type Party, secretOf, type World } from "./actors/world.ts";

const soon = (ms: number): string => new Date(Date.now() + ms).toISOString();
const until = (time: string): Promise<void> =>
  new Promise((resolve) => setTimeout(resolve, Date.parse(time) - Date.now() + 20));

describe.each(fronts)("by $way", (front) => {
  const unauthenticated = front.refusal("unknown", "unauthenticated");
  const outside = front.refusal("denied", "outside-workspace");
  const forbidden = front.refusal("denied", "forbidden");
  const missing = front.refusal("missing", "not-found");
  const invalid = front.refusal("invalid", "invalid-request");
  let world: World;
  let a: Party;
  let b: Party;

  beforeAll(async () => {
    world = await meet(front);
    a = await world.party("tenant-a");
    b = await world.party("tenant-b");
    await a.actor.write("/f.txt", "f");
    await a.actor.write("/team/g.txt", "g");
  });
  afterAll(() => world[Symbol.asyncDispose]());

  const minted = async (
    by: Actor,
    input: Partial<Parameters<Actor["mintKey"]>[0]> = {},
  ): Promise<{ readonly id: string; readonly key: string; readonly actor: Actor }> => {
    const answer = await by.mintKey({ name: "k", workspacePrefix: a.root, ...input });
    const key = secretOf(answer);
    return { id: answer.id, key, actor: world.as(key) };
  };

  it("are minted with what was asked for, and read and write by default", async () => {
    const expiresAt = soon(3_600_000);
    const answer = await a.actor.mintKey({
      name: "reports",
      workspacePrefix: "/workspace/tenant-a/team",
      scopes: ["read"],
      expiresAt,
    });
    expect(answer).toMatchObject({
      name: "reports",
      tenant: "tenant-a",
      workspacePrefix: "/workspace/tenant-a/team",
      scopes: ["read"],
      parent: a.keyId,
      revokedAt: null,
    });
    expect(answer.id).toMatch(/^[0-9A-Za-z]{16}$/);
    expect(answer.key).toMatch(new RegExp(`^bhk_${answer.id}_[0-9A-Za-z]{43}$`));
    expect(Date.parse(answer.expiresAt ?? "")).toBe(Date.parse(expiresAt));
    const reader = world.as(secretOf(answer));
    expect(await reader.read("/g.txt")).toBe("g");
    await expect(reader.write("/g.txt", "x")).rejects.toMatchObject(
      front.refusal("denied", "scope-required"),
    );
    expect((await a.actor.mintKey({ name: "plain", workspacePrefix: a.root })).scopes).toEqual([
      "read",
      "write",
    ]);
  });

  it("are minted within the minting key's bounds, scopes, tenant and lifetime only", async () => {
    const mint = (input: Partial<Parameters<Actor["mintKey"]>[0]>, by = a.actor) =>
      by.mintKey({ name: "k", ...input });
    for (const workspacePrefix of [b.root, "/workspace/tenant-z", "/workspace/tenant-ab"])
      await expect(mint({ workspacePrefix })).rejects.toMatchObject(outside);
    for (const workspacePrefix of ["/", "/workspace", "/tenants"])
      for (const by of [a.actor, world.platform])
        await expect(mint({ workspacePrefix }, by)).rejects.toMatchObject(invalid);
    await expect(mint({ workspacePrefix: a.root, scopes: ["share"] })).rejects.toMatchObject(
      forbidden,
    );
    await expect(mint({ workspacePrefix: a.root, tenant: "tenant-b" })).rejects.toMatchObject(
      front.refusal("denied", "tenant-mismatch"),
    );
    const short = await minted(a.actor, { scopes: ["admin"], expiresAt: soon(60_000) });
    await expect(
      mint({ workspacePrefix: a.root, scopes: ["admin"], expiresAt: soon(120_000) }, short.actor),
    ).rejects.toMatchObject(forbidden);
    const child = await mint({ workspacePrefix: a.root, scopes: ["admin"] }, short.actor);
    expect(child.expiresAt).toBe((await a.actor.getKey(short.id)).expiresAt);
    const plain = await minted(a.actor);
    await expect(mint({ workspacePrefix: a.root }, plain.actor)).rejects.toMatchObject(
      front.refusal("denied", "scope-required"),
    );
  });

  it("are listed for those who administer them, and for nobody else", async () => {
    const own = await minted(a.actor, { name: "listed" });
    const ids = (keys: readonly { readonly id: string }[]): readonly string[] =>
      keys.map(({ id }) => id);
    expect(ids(await a.actor.listKeys())).toEqual(expect.arrayContaining([a.keyId, own.id]));
    expect(ids(await world.platform.listKeys("tenant-a"))).toContain(own.id);
    const listed = await b.actor.listKeys();
    expect(ids(listed)).toEqual([b.keyId]);
    await expect(b.actor.listKeys("tenant-a")).rejects.toMatchObject(
      front.refusal("denied", "tenant-mismatch"),
    );
    // Another tenant's key is no key at all.
    for (const id of [own.id, "0".repeat(16)]) {
      await expect(b.actor.getKey(id)).rejects.toMatchObject(missing);
      await expect(b.actor.narrowKey(id, { name: "x" })).rejects.toMatchObject(missing);
      await expect(b.actor.rotateKey(id)).rejects.toMatchObject(missing);
      await expect(b.actor.revokeKey(id)).rejects.toMatchObject(missing);
    }
    expect(await own.actor.read("/f.txt")).toBe("f");
    // A key that is bound below the root administers what is bound there too, and not its own parent.
    const team = await minted(a.actor, {
      workspacePrefix: "/workspace/tenant-a/team",
      scopes: ["read", "admin"],
    });
    const seen = ids(await team.actor.listKeys());
    expect(seen).toContain(team.id);
    expect(seen).not.toContain(a.keyId);
    await expect(team.actor.revokeKey(a.keyId)).rejects.toMatchObject(missing);
  });

  it("become narrower, at once, with those minted by them, and never wider", async () => {
    const parent = await minted(a.actor, { scopes: ["read", "write", "admin"] });
    const child = await minted(parent.actor, { scopes: ["read", "write"] });
    expect(await child.actor.read("/f.txt")).toBe("f");
    const narrowed = await a.actor.narrowKey(parent.id, {
      workspacePrefix: "/workspace/tenant-a/team",
      scopes: ["read", "admin"],
    });
    expect(narrowed).toMatchObject({
      workspacePrefix: "/workspace/tenant-a/team",
      scopes: ["read", "admin"],
    });
    for (const { actor } of [parent, child]) {
      await expect(actor.read("/workspace/tenant-a/f.txt")).rejects.toMatchObject(outside);
      expect(await actor.read("/workspace/tenant-a/team/g.txt")).toBe("g");
      await expect(actor.write("/workspace/tenant-a/team/g.txt", "x")).rejects.toMatchObject(
        front.refusal("denied", "scope-required"),
      );
    }
    expect(await parent.actor.read("/g.txt")).toBe("g");
    for (const patch of [
      { workspacePrefix: a.root },
      { scopes: ["read", "write"] as const },
      { workspacePrefix: "/workspace/tenant-a/teams" },
    ])
      await expect(a.actor.narrowKey(parent.id, patch)).rejects.toMatchObject(invalid);
    const ends = soon(60_000);
    await a.actor.narrowKey(parent.id, { expiresAt: ends });
    await expect(a.actor.narrowKey(parent.id, { expiresAt: soon(120_000) })).rejects.toMatchObject(
      invalid,
    );
    expect(await a.actor.read("/team/g.txt")).toBe("g");
  });

  it("rotate: both work for the overlap, then only the successor", async () => {
    const old = await minted(a.actor);
    const next = await a.actor.rotateKey(old.id, 2);
    const successor = world.as(secretOf(next));
    expect(next.id).not.toBe(old.id);
    expect(next).toMatchObject({ workspacePrefix: a.root, scopes: ["read", "write"] });
    const overlapEnds = (await a.actor.getKey(old.id)).expiresAt;
    if (overlapEnds === null) throw new Error("The old key has no end.");
    expect(await old.actor.read("/f.txt")).toBe("f");
    expect(await successor.read("/f.txt")).toBe("f");
    await until(overlapEnds);
    await expect(old.actor.read("/f.txt")).rejects.toMatchObject(unauthenticated);
    expect(await successor.read("/f.txt")).toBe("f");
  });

  it("rotate without an overlap: the very next request of the old one fails", async () => {
    const old = await minted(a.actor);
    expect(await old.actor.read("/f.txt")).toBe("f");
    const successor = world.as(secretOf(await a.actor.rotateKey(old.id)));
    await expect(old.actor.read("/f.txt")).rejects.toMatchObject(unauthenticated);
    expect(await successor.read("/f.txt")).toBe("f");
  });

  it("expire", async () => {
    const expiresAt = soon(1500);
    const brief = await minted(a.actor, { scopes: ["read", "admin"], expiresAt });
    const child = await minted(brief.actor, { scopes: ["read"] });
    expect(await brief.actor.read("/f.txt")).toBe("f");
    expect(await child.actor.read("/f.txt")).toBe("f");
    await until(expiresAt);
    await expect(brief.actor.read("/f.txt")).rejects.toMatchObject(unauthenticated);
    await expect(child.actor.read("/f.txt")).rejects.toMatchObject(unauthenticated);
    await expect(
      a.actor.mintKey({ name: "k", workspacePrefix: a.root, expiresAt: soon(-1000) }),
    ).rejects.toMatchObject(invalid);
  });

  it("are revoked for the very next request, and those minted with them, however far down", async () => {
    const parent = await minted(a.actor, { scopes: ["read", "write", "admin"] });
    const child = await minted(parent.actor, { scopes: ["read", "admin"] });
    const grandchild = await minted(child.actor, { scopes: ["read"] });
    const sibling = await minted(a.actor);
    const line = connection(world.server.url, grandchild.key);
    try {
      await line.must(200, "GET", "/v1/files/f.txt");
      expect((await line.must(200, "GET", "/v1/files/f.txt")).reused).toBe(true);
      await a.actor.revokeKey(parent.id);
      const reply = await line.must(401, "GET", "/v1/files/f.txt");
      expect(reply.reused).toBe(true);
    } finally {
      line.close();
    }
    for (const { actor } of [parent, child, grandchild]) {
      await expect(actor.read("/f.txt")).rejects.toMatchObject(unauthenticated);
      await expect(actor.whoami()).rejects.toMatchObject(unauthenticated);
    }
    await expect(parent.actor.write("/new.txt", "x")).rejects.toMatchObject(unauthenticated);
    await expect(a.actor.stat("/new.txt")).rejects.toMatchObject(missing);
    expect(await sibling.actor.read("/f.txt")).toBe("f");
    expect((await a.actor.getKey(parent.id)).revokedAt).not.toBeNull();
  });

  it("a wrong secret, a cut key and a key that never was are refused alike", async () => {
    const { key } = await minted(a.actor);
    const last = key.endsWith("0") ? "1" : "0";
    const told = new Set<string>();
    for (const wrong of [
      `${key.slice(0, -1)}${last}`,
      key.slice(0, -1),
      `${key}0`,
      key.slice(0, 20),
      `bhk_${"0".repeat(16)}_${"0".repeat(43)}`,
      "nonsense",
    ])
      await expect(
        world
          .as(wrong)
          .read("/f.txt")
          .catch((error: unknown) => {
            told.add(error instanceof Error ? error.message : "");
            throw error;
          }),
      ).rejects.toMatchObject(unauthenticated);
    expect(told.size).toBe(1);
  });
});
