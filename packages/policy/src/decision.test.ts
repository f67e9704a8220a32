import type { Scope, TenantStatus } from "@bulkhead/contract";
import { type Act, callOf } from "@bulkhead/kit";
import { describe, expect, it } from "vitest";
import { checkScope, checkServing, scopesAllow, tenantsServe, withinBounds } from "./decision.ts";
import { narrow } from "./narrow.ts";
import { groundOf, tenantAt } from "./namespace.ts";
import {
  answer,
  at,
  namespaceRoots,
  platform,
  principal,
  rooted,
  tenant,
} from "./test/principals.ts";

describe("bounds", () => {
  const bound = principal();
  it("hold for every end of a call, by whole segments", () => {
    const within = (from: string, to?: string): string =>
      answer(() =>
        withinBounds(
          bound,
          to === undefined ? callOf("read", at(from)) : callOf("copy", at(from), at(to)),
        ),
      );
    expect(within("/workspace/acme")).toBe("ok");
    expect(within("/workspace/acme/a")).toBe("ok");
    expect(within("/workspace/acme-2/a")).toBe("outside-workspace");
    expect(within("/workspace/acme/a", "/workspace/beta/a")).toBe("outside-workspace");
    expect(within("/workspace/beta/a", "/workspace/acme/a")).toBe("outside-workspace");
  });

  it("of several let each be reached", () => {
    const two = principal({
      reach: { home: at("/workspace/acme"), bounds: [at("/workspace/acme"), at("/workspace/x/y")] },
    });
    expect(answer(() => withinBounds(two, callOf("read", at("/workspace/x/y/z"))))).toBe("ok");
    expect(answer(() => withinBounds(two, callOf("read", at("/workspace/x"))))).toBe(
      "outside-workspace",
    );
  });

  it("become narrower, and nothing else", () => {
    const narrowed = narrow(bound, at("/workspace/acme/team"));
    expect(narrowed.reach).toEqual({
      home: "/workspace/acme/team",
      bounds: ["/workspace/acme/team"],
    });
    expect(narrowed.narrowedTo).toBe("/workspace/acme/team");
    expect(answer(() => narrow(bound, at("/workspace/acme-2")))).toBe("outside-workspace");
    expect(answer(() => narrow(bound, at("/workspace")))).toBe("outside-workspace");
  });
});

describe("tenants", () => {
  const statusEntries: readonly (readonly [TenantStatus, readonly [string, string]])[] = [
    ["provisioning", ["unavailable", "unavailable"]],
    ["trial", ["ok", "ok"]],
    ["active", ["ok", "ok"]],
    ["suspended", ["tenant-suspended", "ok"]],
    ["cancelled", ["tenant-suspended", "ok"]],
    ["deleting", ["unauthenticated", "ok"]],
    ["deleted", ["unauthenticated", "ok"]],
  ];
  for (const [status, wanted] of statusEntries)
    it(`that are ${status} serve whom they should`, () => {
      const one = tenant("acme", status);
      expect([
        answer(() => checkServing(one, principal())),
        answer(() => checkServing(one, platform)),
      ]).toEqual(wanted);
    });

  it("have to serve at both ends, and the principal's own as well", () => {
    const table = rooted({
      "/workspace/acme": tenant("acme"),
      "/workspace/gone": tenant("gone", "suspended"),
    });
    const serves = (by = principal(), ...paths: readonly string[]): string =>
      answer(() =>
        tenantsServe({ ...table, createRoot: () => Promise.resolve() }, namespaceRoots)(
          by,
          callOf("copy", ...paths.map(at)),
        ),
      );
    expect(serves(principal(), "/workspace/acme/a", "/workspace/acme/b")).toBe("ok");
    expect(serves(principal(), "/workspace/acme/a", "/workspace/gone/b")).toBe("tenant-suspended");
    expect(serves(principal(), "/workspace/gone", "/workspace/acme/b")).toBe("tenant-suspended");
    expect(serves(platform, "/workspace/gone/a", "/workspace/acme/b")).toBe("ok");
    expect(serves(principal({ tenant: tenant("acme", "suspended") }), "/elsewhere")).toBe(
      "tenant-suspended",
    );
    expect(serves(principal(), "/workspace", "/elsewhere")).toBe("ok");
    expect(checkServing(undefined, principal())).toBeUndefined();
  });

  it("tell a waiting caller when to come back", () => {
    expect(() => checkServing(tenant("acme", "provisioning"), principal())).toThrow(
      expect.objectContaining({ fields: { retryAfter: 5 } }),
    );
  });
});

describe("scopes", () => {
  const needs: readonly (readonly [Act, readonly Scope[]])[] = [
    ["stat", ["read"]],
    ["read", ["read"]],
    ["list", ["read"]],
    ["versions", ["read"]],
    ["write", ["write"]],
    ["mkdir", ["write"]],
    ["remove", ["write"]],
    ["restore", ["write"]],
    ["copy", ["read", "write"]],
    ["move", ["read", "write"]],
  ];
  for (const [act, wanted] of needs)
    it(`of ${act} are all asked for`, () => {
      const call = callOf(act, at("/workspace/acme/a"), at("/workspace/acme/b"));
      const allows = (...scopes: readonly Scope[]): string =>
        answer(() => scopesAllow(principal({ scopes }), call));
      expect(allows(...wanted)).toBe("ok");
      for (const one of wanted)
        expect(allows(...wanted.filter((scope) => scope !== one), "share", "admin")).toBe(
          "scope-required",
        );
    });

  it("are named where they are missing", () => {
    expect(() => checkScope(principal(), "admin")).toThrow("'admin'");
    expect(checkScope(principal(), "read")).toBeUndefined();
  });
});

describe("the ground of a path", () => {
  it("is the platform's, a namespace, a tenant's root or below one", () => {
    const kinds = ["/", "/a/b", "/workspace", "/workspace/acme", "/tenants/acme/a/b"].map((path) =>
      groundOf(namespaceRoots, at(path)),
    );
    expect(kinds).toEqual([
      { kind: "platform" },
      { kind: "platform" },
      { kind: "namespace" },
      { kind: "root", root: "/workspace/acme" },
      { kind: "below", root: "/tenants/acme" },
    ]);
  });

  it("belongs to the tenant whose root is there", () => {
    const of = tenantAt(rooted({ "/workspace/acme": tenant("acme") }), namespaceRoots);
    expect(
      ["/workspace/acme", "/workspace/acme/a", "/workspace/beta", "/workspace", "/a"].map((path) =>
        of(at(path)),
      ),
    ).toEqual(["uid-acme", "uid-acme", undefined, undefined, undefined]);
  });
});
