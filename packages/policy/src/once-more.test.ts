import {
  FileError,
  type KeyRecord,
  type ReadResult,
  unauthenticated,
  type VersionEntry,
  type WholeTree,
} from "@bulkhead/contract";
import { describe, expect, it } from "vitest";
import { authenticate } from "./authenticate.ts";
import { entrance } from "./control/enter.ts";
import { keyControl } from "./control/keys.ts";
import { visibleTenant } from "./control/visible-tenant.ts";
import { fence } from "./fence.ts";
import { presentPast } from "./past.ts";
import { drawing } from "./rates/drawing.ts";
import { sharing } from "./shares.ts";
import { streamWatch } from "./stream-watch.ts";
import { at, contextOf, namespaceRoots, platform, principal, standing } from "./test/principals.ts";

const never = (): Promise<never> => Promise.reject(new Error("Nobody asked for that."));
const nothing: WholeTree = {
  stat: never,
  read: never,
  write: never,
  list: never,
  mkdir: never,
  remove: never,
  copy: never,
  move: never,
  versions: never,
  restore: never,
};
const path = at("/workspace/acme/a");
const stat = { name: "a", kind: "file", size: 0, modifiedAt: 0 } as const;

describe("content", () => {
  it("that was opened is let go of where its key has ended meanwhile", async () => {
    let disposed = 0;
    const result: ReadResult = {
      stat,
      content: new Uint8Array(),
      [Symbol.asyncDispose]: () => Promise.resolve(void (disposed += 1)),
    };
    const streams = streamWatch();
    const tree = fence({
      authority: {
        admit: never,
        actFor: never,
        readmit: () => Promise.reject(unauthenticated()),
      },
      decide: () => Infinity,
      streams,
    })({ ...nothing, read: () => Promise.resolve(result) });
    await expect(tree.read(contextOf(principal()), path)).rejects.toMatchObject({
      code: "unauthenticated",
    });
    expect(disposed).toBe(1);
    streams.close();
  });

  it("of before a removal is nobody's who was only given what came after it", async () => {
    const entry = (version: string, kind: "write" | "remove"): VersionEntry => ({
      ...stat,
      version,
      kind,
      current: version === "3",
    });
    const entries = [entry("3", "write"), entry("2", "remove"), entry("1", "write")];
    const tree = presentPast({
      ...nothing,
      versions: () => Promise.resolve({ entries }),
      read: () => Promise.reject(new Error("It was read.")),
    });
    const read = (mask: number, version: string): Promise<unknown> =>
      tree.read(
        contextOf(principal({ kind: "identity", standing: standing({ [path]: { mask } }) })),
        path,
        { version },
      );
    await expect(read(3, "1")).rejects.toMatchObject({ code: "not-found" });
    await expect(read(3, "3")).rejects.toThrow("It was read.");
    await expect(read(7, "1")).rejects.toThrow("It was read.");
  });
});

describe("limits", () => {
  it("give back what one of them refused for the others", async () => {
    const slices = drawing({
      buckets: {
        lease: ({ bucket }) =>
          Promise.resolve({ slice: bucket === "key" ? 0 : 5, left: 0, began: 0, ends: 60_000 }),
        look: () => Promise.resolve({ slice: 0, left: 0, began: 0, ends: 60_000 }),
        throttle: never,
      },
    });
    const bucket = (name: "tenant" | "key") =>
      ({ name, tenant: "t", bucket: name, limit: 5, period: "minute" }) as const;
    const drawn = (): Promise<unknown> => slices.draw([bucket("tenant"), bucket("key")], 1);
    for (let i = 0; i < 20; i++)
      await expect(drawn()).rejects.toMatchObject({ code: "rate-limited" });
    const [left] = await slices.draw([bucket("tenant")], 2);
    expect(left?.remaining).toBe(4);
    await slices.close();
  });

  it("give back what was drawn for a request that found no place", async () => {
    const refunded: unknown[] = [];
    const { visit } = entrance({
      admittance: {
        enter: () => Promise.reject(new FileError("unavailable", "Too many.")),
        count: () => ({ requests: 0, streams: 0, waiting: 0 }),
      },
      drawing: {
        draw: () => Promise.resolve([]),
        look: () => Promise.resolve([]),
        refund: (buckets) => void refunded.push(buckets),
      },
      throttle: () => ({ most: 1, pass: never }),
      tenantFacts: never,
      defaults: {},
      sink: { refused: () => undefined },
      onBehalfOf: (_owner, work) => work(),
    });
    const asking = { signal: new AbortController().signal, now: 1, address: "192.0.2.1" };
    await expect(
      visit({ uid: "t", limits: {}, rateLimits: {}, settings: {} }, asking),
    ).rejects.toMatchObject({
      code: "unavailable",
    });
    expect(refunded).toHaveLength(1);
  });

  it("of an owner are drawn from before what was shared is looked at", async () => {
    const point = { name: "given", source: path };
    const tree = sharing({
      resolve: () => ({ kind: "share", point, path, isRoot: false }),
      enter: (ctx) => Promise.resolve(ctx),
      draw: () => Promise.reject(new FileError("rate-limited", "Later.")),
    })(nothing);
    const ctx = contextOf(principal());
    for (const asked of [tree.stat(ctx, path), tree.read(ctx, path), tree.copy(ctx, path, path)])
      await expect(asked).rejects.toMatchObject({ code: "rate-limited" });
  });

  it("of guesses count each key that is nobody's", async () => {
    const failed: string[] = [];
    const admit = authenticate({
      authority: { admit: () => Promise.reject(unauthenticated()), actFor: never, readmit: never },
      sink: { denied: () => undefined, refused: () => undefined },
      attempts: {
        check: () => undefined,
        failed: (address) => void failed.push(address),
        good: () => undefined,
      },
      tenants: { get: never },
      subdomains: { tenantOf: never, subdomainOf: never },
      elsewhere: { addressOf: () => Promise.resolve(undefined) },
    });
    await expect(
      admit({
        key: "guess",
        address: "192.0.2.1",
        front: "http",
        requestId: "r",
        signal: new AbortController().signal,
        cut: () => undefined,
        tenant: undefined,
        subdomain: undefined,
      }),
    ).rejects.toMatchObject({ code: "unauthenticated" });
    expect(failed).toEqual(["192.0.2.1"]);
  });
});

describe("a key", () => {
  it("of another tenant is nobody's, one for a subject as well", async () => {
    const record: KeyRecord = {
      id: "theirs",
      tenant: "beta",
      name: "k",
      subject: { type: "user", id: "u" },
      workspacePrefix: null,
      scopes: ["read"],
      createdAt: 0,
      createdBy: "platform",
      expiresAt: null,
      lastUsedAt: null,
      revokedAt: null,
      parent: null,
    };
    const revoked: string[] = [];
    const control = keyControl({
      keys: {
        get: () => Promise.resolve(record),
        insert: never,
        list: never,
        narrow: never,
        rotate: never,
        revoke: (_settlement, id) => Promise.resolve(void revoked.push(id)),
      },
      tenants: { get: () => Promise.resolve(undefined) },
      roots: { rootAt: () => undefined },
      namespaceRoots,
      mintKeyString: () => ({ id: "", key: "", hash: new Uint8Array() }),
      audited: (ctx, _action, _resource, run) => run(ctx.settlement),
    });
    const admin = contextOf(principal({ scopes: ["admin"], tenant: undefined }));
    await expect(control.get(admin, "theirs")).rejects.toMatchObject({ code: "not-found" });
    await expect(control.revoke(admin, "theirs")).rejects.toMatchObject({ code: "not-found" });
    expect(revoked).toEqual([]);
    expect(await control.get(contextOf({ ...platform, scopes: ["admin"] }), "theirs")).toBe(record);
  });
});

describe("a tenant", () => {
  it("that is another's answers as one that is not there, and is not even asked for", async () => {
    const visible = visibleTenant({ get: never });
    const admin = contextOf(principal({ scopes: ["admin"] }));
    await expect(visible(admin, "beta")).rejects.toMatchObject({
      code: "not-found",
      detail: "There is no such tenant.",
    });
    await expect(visible(admin, "acme")).rejects.toThrow("Nobody asked for that.");
    const unscoped = contextOf(principal());
    await expect(visible(unscoped, "acme")).rejects.toMatchObject({ code: "scope-required" });
  });
});
