// Concept page, its own isolation test, and rows C1, C2, C3.
//
// Changes against the published text: the page takes its two keys as given, so they are minted here, each bound to its
// tenant's root; calls have the names of the TypeScript client, and `server_url` is `url`. What it leaves out is added:
// not only reading, but every operation, and both ends of copy and move.
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Actor } from "./actors/actor.ts";
import { fronts } from "./actors/ways.ts";
import { meet, type Party, secretOf, type World } from "./actors/world.ts";

describe.each(fronts)("by $way", (front) => {
  const outside = front.refusal("denied", "outside-workspace");
  let world: World;
  let a: Party;
  let b: Party;

  beforeAll(async () => {
    world = await meet(front);
    a = await world.party("tenant-a");
    b = await world.party("tenant-b");
  });
  afterAll(() => world[Symbol.asyncDispose]());

  it("keeps a secret of one tenant from the other, who has a file by the same name", async () => {
    const [first, second] = [a, b].map(({ key, root }) => world.as(key, { workspacePrefix: root }));
    if (first === undefined || second === undefined) throw new Error("Two tenants were asked for.");
    await first.write("/data/secret.txt", "what only A knows");
    await expect(second.read("/workspace/tenant-a/data/secret.txt")).rejects.toMatchObject(outside);
    await second.write("/data/secret.txt", "what only B knows");
    expect(await first.read("/data/secret.txt")).toBe("what only A knows");
    expect(await second.read("/data/secret.txt")).toBe("what only B knows");
  });

  it("C1: puts what a bound key writes below its prefix", async () => {
    const bound = world.as(a.key, { workspacePrefix: a.root });
    await bound.write("/data/report.txt", "of A");
    expect(await world.platform.read("/workspace/tenant-a/data/report.txt")).toBe("of A");
    // The prefix is the key's own: a client that names none is as bound.
    await a.actor.write("/data/second.txt", "of A too");
    expect(await world.platform.list("/workspace/tenant-a/data")).toEqual(
      expect.arrayContaining(["report.txt", "second.txt"]),
    );
    await expect(world.platform.read("/data/report.txt")).rejects.toMatchObject(
      front.refusal("missing", "not-found"),
    );
    // A path below a namespace root is absolute, and the same file.
    expect(await a.actor.read("/workspace/tenant-a/data/report.txt")).toBe("of A");
  });

  const attempts: Readonly<Record<string, (actor: Actor) => Promise<unknown>>> = {
    read: (actor) => actor.read("/workspace/tenant-a/kept/it.txt"),
    stat: (actor) => actor.stat("/workspace/tenant-a/kept/it.txt"),
    list: (actor) => actor.list("/workspace/tenant-a/kept"),
    "list of the root": (actor) => actor.list("/workspace/tenant-a"),
    find: (actor) => actor.find("/workspace/tenant-a"),
    grep: (actor) => actor.grep("kept", "/workspace/tenant-a"),
    write: (actor) => actor.write("/workspace/tenant-a/kept/it.txt", "by B"),
    "write of a new file": (actor) => actor.write("/workspace/tenant-a/kept/new.txt", "by B"),
    append: (actor) => actor.append("/workspace/tenant-a/kept/it.txt", "by B"),
    mkdir: (actor) => actor.mkdir("/workspace/tenant-a/kept/new"),
    remove: (actor) => actor.remove("/workspace/tenant-a/kept/it.txt"),
    "remove of all": (actor) => actor.removeTree("/workspace/tenant-a/kept"),
    "copy out": (actor) => actor.copy("/workspace/tenant-a/kept/it.txt", "/stolen.txt"),
    "copy in": (actor) => actor.copy("/own.txt", "/workspace/tenant-a/kept/new.txt"),
    "move out": (actor) => actor.move("/workspace/tenant-a/kept/it.txt", "/stolen.txt"),
    "move in": (actor) => actor.move("/own.txt", "/workspace/tenant-a/kept/new.txt"),
    "a tenant that is none": (actor) => actor.read("/workspace/tenant-z/kept/it.txt"),
    "a name that begins alike": (actor) => actor.read("/workspace/tenant-bb/kept/it.txt"),
    "the other namespace": (actor) => actor.read("/tenants/tenant-b/kept/it.txt"),
  };
  it.each(Object.entries(attempts))("C2: refuses the other tenant's %s", async (_name, attempt) => {
    await a.actor.write("/kept/it.txt", "kept by A");
    await b.actor.write("/own.txt", "of B");
    await expect(attempt(b.actor)).rejects.toMatchObject(outside);
    expect(await a.actor.list("/kept")).toEqual(["it.txt"]);
    expect(await a.actor.read("/kept/it.txt")).toBe("kept by A");
    expect(await b.actor.list("/")).not.toContain("stolen.txt");
    expect(await b.actor.read("/own.txt")).toBe("of B");
  });

  it("C2: shows nobody the other's name, on the way down to one's own", async () => {
    expect(await a.actor.list("/workspace")).toEqual(["tenant-a"]);
    expect(await b.actor.list("/workspace")).toEqual(["tenant-b"]);
    expect((await b.actor.find("/workspace")).filter((path) => path.includes("tenant-a"))).toEqual(
      [],
    );
    await a.actor.write("/words.txt", "needle");
    await b.actor.write("/words.txt", "needle of B");
    expect(await b.actor.grep("needle", "/workspace")).toEqual(["needle of B"]);
    expect(await b.actor.grep("needle", "/")).toEqual(["needle of B"]);
  });

  describe("C3: a prefix that a client sends", () => {
    it("narrows, home and bounds", async () => {
      await a.actor.write("/team/plan.txt", "the plan");
      await a.actor.write("/above.txt", "above");
      const team = world.as(a.key, { workspacePrefix: "/workspace/tenant-a/team" });
      expect(await team.read("/plan.txt")).toBe("the plan");
      expect(await team.whoami()).toMatchObject({
        home: "/workspace/tenant-a/team",
        bounds: ["/workspace/tenant-a/team"],
      });
      await team.write("/note.txt", "n");
      expect(await a.actor.read("/team/note.txt")).toBe("n");
      await expect(team.read("/workspace/tenant-a/above.txt")).rejects.toMatchObject(outside);
      // What leads to the bounds shows only that.
      expect(await team.list("/workspace/tenant-a")).toEqual(["team"]);
    });

    it.each([
      "/workspace/tenant-b",
      "/workspace/tenant-b/data",
      "/workspace/tenant-z",
      "/workspace/tenant-ab",
      "/workspace",
      "/tenants/tenant-a",
      "/",
    ])("is refused where the key does not reach: %s", async (workspacePrefix) => {
      const elsewhere = world.as(a.key, { workspacePrefix });
      for (const attempt of [
        () => elsewhere.read("/data/secret.txt"),
        () => elsewhere.write("/data/planted.txt", "by A"),
        () => elsewhere.list("/"),
        () => elsewhere.whoami(),
        () => elsewhere.listKeys(),
      ])
        await expect(attempt()).rejects.toMatchObject(outside);
      expect(await b.actor.find("/")).not.toContain("/data/planted.txt");
    });

    it("does not widen a key that is bound below the root", async () => {
      const minted = await a.actor.mintKey({
        name: "team",
        workspacePrefix: "/workspace/tenant-a/team",
      });
      const wider = world.as(secretOf(minted), { workspacePrefix: "/workspace/tenant-a" });
      await expect(wider.read("/above.txt")).rejects.toMatchObject(outside);
    });

    it("of the platform key holds for the platform key too", async () => {
      const bound = world.as(world.server.platformKey, { workspacePrefix: b.root });
      await expect(bound.list("/workspace/tenant-a")).rejects.toMatchObject(outside);
    });
  });

  describe("C3: X-Tenant-ID", () => {
    const named = (key: string, tenant: string): Actor =>
      world.as(key, { headers: { "X-Tenant-ID": tenant } });

    it("that names one's own changes nothing", async () => {
      await a.actor.write("/mine.txt", "mine");
      expect(await named(a.key, "tenant-a").read("/mine.txt")).toBe("mine");
    });
    it("that names another is the same refusal, whether there is such a tenant or not", async () => {
      const mismatch = front.refusal("denied", "tenant-mismatch");
      for (const tenant of ["tenant-b", "tenant-z", "Tenant-A", "../tenant-a"]) {
        const actor = named(a.key, tenant);
        await expect(actor.read("/mine.txt")).rejects.toMatchObject(mismatch);
        await expect(actor.write("/mine.txt", "other")).rejects.toMatchObject(mismatch);
        await expect(actor.whoami()).rejects.toMatchObject(mismatch);
      }
      const bodies = await Promise.all(
        ["tenant-b", "tenant-z"].map((tenant) =>
          named(a.key, tenant)
            .read("/mine.txt")
            .catch((error: unknown) => (error instanceof Error ? error.message : "")),
        ),
      );
      expect(bodies[0]).toBe(bodies[1]);
      expect(await a.actor.read("/mine.txt")).toBe("mine");
    });
    it("with the platform key has to name a tenant that serves", async () => {
      const { platformKey } = world.server;
      await expect(named(platformKey, "tenant-z").whoami()).rejects.toMatchObject(
        front.refusal("missing", "not-found"),
      );
      expect((await named(platformKey, "tenant-a").whoami()).principal.kind).toBe("platform");
    });
  });
});
