// Both Nexus SaaS tutorials, row N2: their first class makes a tenant out of directories.
//
// Changes against the published text: `zone_id` and `tenant_id` are one thing, so one program stands for both; the clock and
// the id in the metadata are fixed. The limits and the status in that file decide nothing here (see not-copied.test.ts).
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { api } from "../support/api.ts";
import { fronts } from "./actors/ways.ts";
import { meet, secretOf, type World } from "./actors/world.ts";

const metadata = JSON.stringify({
  name: "Acme",
  tier: "pro",
  status: "active",
  usage: { users: 0, files: 0, bytes: 0 },
});
const directories = ["users", "shared", "uploads", "exports"];

describe.each(fronts)("by $way", (front) => {
  const exists = front.refusal("conflict", "already-exists");
  const missing = front.refusal("missing", "not-found");
  const outside = front.refusal("denied", "outside-workspace");
  const forbidden = front.refusal("denied", "forbidden");
  let world: World;
  beforeEach(async () => {
    world = await meet(front);
  });
  afterEach(() => world[Symbol.asyncDispose]());

  /** What the tutorials do for a new customer, in their order. */
  const create = async (root: string): Promise<void> => {
    await world.platform.mkdir(root);
    for (const name of directories) await world.platform.mkdir(`${root}/${name}`);
    await world.platform.write(`${root}/.tenant.json`, metadata);
  };

  it("works on a server where nobody made anything, and the first directory is the tenant", async () => {
    const { platform } = world;
    expect(await platform.list("/tenants")).toEqual([]);
    expect(await platform.list("/workspace")).toEqual([]);
    expect(await platform.list("/")).toEqual(expect.arrayContaining(["tenants", "workspace"]));
    expect(await platform.listTenants()).toEqual([]);
    await expect(platform.getTenant("acme")).rejects.toMatchObject(missing);

    await platform.mkdir("/tenants/acme");
    expect(await platform.getTenant("acme")).toMatchObject({
      id: "acme",
      status: "active",
      plan: null,
      roots: ["/tenants/acme"],
    });
    for (const name of directories) await platform.mkdir(`/tenants/acme/${name}`);
    await platform.write("/tenants/acme/.tenant.json", metadata);

    expect(await platform.listTenants()).toEqual(["acme"]);
    expect(await platform.list("/tenants")).toEqual(["acme"]);
    expect(await platform.list("/workspace")).toEqual([]);
    expect(await platform.list("/tenants/acme")).toEqual(
      [".tenant.json", ...directories].toSorted(),
    );
    expect(JSON.parse(await platform.read("/tenants/acme/.tenant.json"))).toEqual(
      JSON.parse(metadata),
    );
    // The whole tree is a tenant's like any other: a key for it has it as its home.
    const minted = await platform.mintKey({ name: "acme", workspacePrefix: "/tenants/acme" });
    expect(minted.tenant).toBe("acme");
    const user = world.as(secretOf(minted));
    await user.write("/users/alice/notes.txt", "n");
    expect(await platform.read("/tenants/acme/users/alice/notes.txt")).toBe("n");
  });

  it("makes a second customer beside the first, who stays unseen", async () => {
    await create("/tenants/acme");
    await create("/tenants/beta");
    const [acme, beta] = await Promise.all(
      ["acme", "beta"].map(async (id) =>
        world.as(
          secretOf(await world.platform.mintKey({ name: id, workspacePrefix: `/tenants/${id}` })),
        ),
      ),
    );
    if (acme === undefined || beta === undefined) throw new Error("Two were asked for.");
    await acme.write("/shared/plan.txt", "of acme");
    await expect(beta.read("/tenants/acme/shared/plan.txt")).rejects.toMatchObject(outside);
    await expect(beta.list("/tenants/acme")).rejects.toMatchObject(outside);
    expect(await beta.list("/tenants")).toEqual(["beta"]);
    expect(await beta.list("/shared")).toEqual([]);
  });

  it("refuses a root that exists, and changes nothing of it", async () => {
    await create("/tenants/acme");
    await expect(world.platform.mkdir("/tenants/acme")).rejects.toMatchObject(exists);
    await expect(world.platform.makeTenant("acme")).rejects.toMatchObject(exists);
    expect((await world.platform.getTenant("acme")).roots).toEqual(["/tenants/acme"]);
    expect(await world.platform.read("/tenants/acme/.tenant.json")).toBe(metadata);
    const { send } = api(world.server.url, world.server.platformKey);
    const relaxed = { path: "/tenants/acme", parents: true, existOk: true };
    expect((await send("POST", "/v1/mkdir", { body: relaxed })).status).toBe(201);
    const raced = await send("POST", "/v1/mkdir", { body: { path: "/tenants/acme" } });
    expect(raced).toMatchObject({ status: 409, json: { code: "already-exists" } });
  });

  it("gives a tenant a second root, which is another tree and no alias", async () => {
    const { platform } = world;
    await create("/tenants/acme");
    await platform.mkdir("/workspace/acme");
    expect((await platform.getTenant("acme")).roots).toEqual(["/tenants/acme", "/workspace/acme"]);
    expect(await platform.listTenants()).toEqual(["acme"]);
    expect(await platform.list("/workspace/acme")).toEqual([]);
    await platform.write("/workspace/acme/only-here.txt", "w");
    await expect(platform.read("/tenants/acme/only-here.txt")).rejects.toMatchObject(missing);
    expect(await platform.list("/tenants/acme")).not.toContain("only-here.txt");
    await expect(platform.mkdir("/workspace/acme")).rejects.toMatchObject(exists);

    // A key reaches the root that it is bound to; that the other is the same tenant's changes nothing.
    const key = async (workspacePrefix: string) =>
      world.as(secretOf(await platform.mintKey({ name: "k", workspacePrefix })));
    const first = await key("/tenants/acme");
    const second = await key("/workspace/acme");
    expect(await second.read("/only-here.txt")).toBe("w");
    await expect(first.read("/workspace/acme/only-here.txt")).rejects.toMatchObject(outside);
    await expect(second.read("/tenants/acme/.tenant.json")).rejects.toMatchObject(outside);

    // Suspension and deletion are the tenant's, not a root's.
    await platform.suspend("acme");
    for (const actor of [first, second])
      await expect(actor.list("/")).rejects.toMatchObject(
        front.refusal("denied", "tenant-suspended"),
      );
    await platform.deleteTenant("acme");
    expect(await platform.list("/tenants")).toEqual([]);
    expect(await platform.list("/workspace")).toEqual([]);
  });

  it("makes tenants by the platform key alone, out of directories alone, by fit names alone", async () => {
    const { platform } = world;
    await create("/tenants/acme");
    const acme = world.as(
      secretOf(
        await platform.mintKey({
          name: "k",
          workspacePrefix: "/tenants/acme",
          scopes: ["read", "write", "admin"],
        }),
      ),
    );
    for (const root of ["/tenants/mine", "/workspace/acme", "/workspace/mine", "/tenants/acme2"])
      await expect(acme.mkdir(root)).rejects.toMatchObject(outside);
    await expect(platform.write("/tenants/file.txt", "x")).rejects.toMatchObject(forbidden);
    await expect(platform.mkdir("/tenants/none/users")).rejects.toMatchObject(missing);
    for (const name of ["Acme", "a b", "-a", "health", "x".repeat(64)])
      await expect(platform.mkdir(`/workspace/${name}`)).rejects.toMatchObject({
        sign: front.refusal("invalid", "").sign,
      });
    expect(await platform.listTenants()).toEqual(["acme"]);
    // What lies under no tenant's root is the platform's.
    await platform.write("/notes.txt", "of the platform");
    await expect(acme.read("/notes.txt")).rejects.toMatchObject(missing);
  });

  it("empties a root without ending the tenant, and ends it by its id only", async () => {
    const { platform } = world;
    await create("/tenants/acme");
    await platform.removeTree("/tenants/acme");
    expect(await platform.list("/tenants/acme")).toEqual([]);
    expect((await platform.getTenant("acme")).status).toBe("active");
    await platform.mkdir("/tenants/acme/users");
    await platform.deleteTenant("acme");
    await expect(platform.list("/tenants/acme")).rejects.toMatchObject(missing);
  });
});
