import { FileError, type VirtualPath, type WholeTree } from "@bulkhead/contract";
import { callOf } from "@bulkhead/kit";
import { describe, expect, it } from "vitest";
import { groundAllows, tenantGate } from "./tenant-gate.ts";
import {
  answer,
  at,
  contextOf,
  namespaceRoots,
  platform,
  principal,
  rooted,
  tenant,
} from "./test/principals.ts";

const tenants = rooted({ "/workspace/acme": tenant("acme"), "/workspace/beta": tenant("beta") });
const allows = groundAllows({ tenants, namespaceRoots });
const asked = (
  by: typeof platform,
  act: Parameters<typeof callOf>[0],
  ...paths: readonly string[]
): string => answer(() => allows(by, callOf(act, ...paths.map(at))));

describe("the first levels of the tree", () => {
  const key = principal();
  it("are moved and removed by nobody", () => {
    for (const by of [key, platform]) {
      expect(asked(by, "remove", "/")).toBe("forbidden");
      expect(asked(by, "remove", "/workspace")).toBe("forbidden");
      expect(asked(by, "move", "/workspace", "/a")).toBe("forbidden");
      expect(asked(by, "move", "/workspace/acme", "/workspace/acme/a")).toBe("forbidden");
      expect(asked(by, "list", "/workspace")).toBe("ok");
      expect(asked(by, "read", "/")).toBe("ok");
      expect(asked(by, "remove", "/a")).toBe("ok");
    }
  });

  it("hold tenants alone, which only the platform makes and empties", () => {
    expect(asked(platform, "mkdir", "/workspace/new")).toBe("ok");
    expect(asked(key, "mkdir", "/workspace/new")).toBe("forbidden");
    expect(asked(platform, "mkdir", "/workspace/acme")).toBe("already-exists");
    expect(asked(key, "mkdir", "/workspace/acme")).toBe("already-exists");
    expect(asked(platform, "remove", "/workspace/acme")).toBe("ok");
    expect(asked(key, "remove", "/workspace/acme")).toBe("forbidden");
    for (const by of [key, platform]) {
      expect(asked(by, "write", "/workspace/new")).toBe("forbidden");
      expect(asked(by, "copy", "/workspace/acme/a", "/workspace/new")).toBe("forbidden");
      expect(asked(by, "read", "/workspace/new")).toBe("not-found");
      expect(asked(by, "remove", "/workspace/new")).toBe("not-found");
      expect(asked(by, "write", "/workspace/new/a")).toBe("not-found");
      expect(asked(by, "mkdir", "/workspace/new/a")).toBe("not-found");
      expect(asked(by, "list", "/workspace/acme")).toBe("ok");
      expect(asked(by, "write", "/workspace/acme/a")).toBe("ok");
    }
  });

  it("keep files with their tenant: moving them elsewhere is the platform's", () => {
    const there = ["/workspace/acme/a", "/workspace/beta/a"] as const;
    expect(asked(key, "move", ...there)).toBe("forbidden");
    expect(asked(key, "copy", ...there)).toBe("ok");
    expect(asked(key, "move", "/workspace/acme/a", "/workspace/acme/b")).toBe("ok");
    expect(asked(key, "move", "/workspace/acme/a", "/elsewhere")).toBe("forbidden");
    expect(asked(platform, "move", ...there)).toBe("ok");
  });
});

/** A tree in which everything does what `run` says. */
const treeOf = (run: (act: string) => Promise<never>): WholeTree => ({
  stat: () => run("stat"),
  read: () => run("read"),
  write: () => run("write"),
  list: () => run("list"),
  mkdir: () => run("mkdir"),
  remove: () => run("remove"),
  copy: () => run("copy"),
  move: () => run("move"),
  versions: () => run("versions"),
  restore: () => run("restore"),
});

const done = new Error("It got through.");

const gate = (
  run: (act: string) => Promise<never> = () => Promise.reject(done),
  made: VirtualPath[] = [],
  addressOf: () => Promise<string | undefined> = () => Promise.resolve(undefined),
): WholeTree =>
  tenantGate({
    tenants: {
      ...tenants,
      createRoot: (_settlement, path) => {
        made.push(path);
        return Promise.resolve();
      },
    },
    namespaceRoots,
    checkId: (id) => {
      if (id.includes("!")) throw new FileError("invalid-request", "No id.");
    },
    elsewhere: { addressOf },
  })(treeOf(run));

describe("the gate", () => {
  it("tells whose tree is touched: that of the target", async () => {
    const told = async (act: "copy" | "move", from: string, to: string) => {
      const ctx = contextOf(platform);
      ctx.settlement.audit = {
        actor: "",
        key: "",
        action: act,
        resource: "",
        requestId: "",
        front: "",
        detail: { kept: 1 },
      };
      await gate()
        [act](ctx, at(from), at(to))
        .catch(() => undefined);
      const { tenant: uid, follow, audit } = ctx.settlement;
      return [uid, follow, audit.resource, audit.detail];
    };
    const [a, b] = ["/workspace/acme/a", "/workspace/beta/b"];
    expect(await told("copy", a, b)).toEqual(["uid-beta", undefined, a, { kept: 1, to: b }]);
    expect(await told("move", a, b)).toEqual([
      "uid-beta",
      { from: a, to: undefined },
      a,
      { kept: 1, to: b },
    ]);
    expect(await told("move", a, "/workspace/acme/c")).toEqual([
      "uid-acme",
      { from: a, to: "/workspace/acme/c" },
      a,
      { kept: 1, to: "/workspace/acme/c" },
    ]);
    const ctx = contextOf(principal());
    await gate()
      .remove(ctx, at(a))
      .catch(() => undefined);
    expect(ctx.settlement).toMatchObject({
      tenant: "uid-acme",
      follow: { from: a, to: undefined },
    });
    const plain = contextOf(platform);
    await gate()
      .write(plain, at("/a"), { size: 0, replayable: true, open: async function* () {} })
      .catch(() => undefined);
    expect([plain.settlement.tenant, plain.settlement.follow]).toEqual([undefined, undefined]);
  });

  it("makes a tenant of a directory in a namespace root, and of no other", async () => {
    const made: VirtualPath[] = [];
    const tree = gate(undefined, made);
    await tree.mkdir(contextOf(platform), at("/workspace/new"));
    expect(made).toEqual(["/workspace/new"]);
    await expect(tree.mkdir(contextOf(platform), at("/workspace/n!"))).rejects.toMatchObject({
      code: "invalid-request",
    });
    await expect(tree.mkdir(contextOf(platform), at("/workspace/acme/a"))).rejects.toBe(done);
    await expect(tree.mkdir(contextOf(principal()), at("/workspace/new"))).rejects.toMatchObject({
      code: "forbidden",
    });
    expect(made).toHaveLength(1);
  });

  it("sends the platform to the region of a tenant that is not here, and nobody else", async () => {
    const tree = gate(undefined, [], () => Promise.resolve("https://eu.example"));
    const read = (by: typeof platform, path: string): Promise<unknown> =>
      tree.read(contextOf(by), at(path));
    await expect(read(platform, "/workspace/far/a")).rejects.toMatchObject({
      code: "wrong-region",
    });
    await expect(read(platform, "/workspace/far")).rejects.toMatchObject({ code: "wrong-region" });
    await expect(read(principal(), "/workspace/far/a")).rejects.toMatchObject({
      code: "not-found",
    });
    await expect(read(platform, "/workspace/acme/a")).rejects.toBe(done);
    await expect(
      tree.copy(contextOf(platform), at("/workspace/acme/a"), at("/workspace/far/a")),
    ).rejects.toMatchObject({ code: "wrong-region" });
  });

  it("tells no number of a tenant's room to anybody else", async () => {
    const full = new FileError("quota-exceeded", "There are 7 of 8 bytes.", {
      fields: { resource: "bytes", limit: 8, used: 7, requested: 2 },
    });
    const tree = gate(() => Promise.reject(full));
    const told = (by: typeof platform): Promise<unknown> =>
      tree
        .copy(contextOf(by), at("/workspace/acme/a"), at("/workspace/acme/b"))
        .catch((error: unknown) => error);
    expect(await told(principal())).toBe(full);
    expect(await told(platform)).toBe(full);
    const stranger = await told(principal({ tenant: tenant("beta") }));
    expect(stranger).toMatchObject({ code: "quota-exceeded", fields: { resource: "bytes" } });
    expect(JSON.stringify(stranger) + String(stranger)).not.toMatch(/[78]/);
    const nameless = gate(() => Promise.reject(new FileError("quota-exceeded", "Full at 8.")));
    await expect(
      nameless.mkdir(contextOf(principal({ tenant: tenant("beta") })), at("/workspace/acme/b")),
    ).rejects.toMatchObject({
      fields: {},
      detail: "The owner of this place has no room left for it.",
    });
    const other = gate(() => Promise.reject(done));
    await expect(
      other.mkdir(contextOf(principal({ tenant: tenant("beta") })), at("/workspace/acme/b")),
    ).rejects.toBe(done);
  });
});
