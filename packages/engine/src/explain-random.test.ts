import {
  type ErrorCode,
  type Explanation,
  type Operation,
  parseRequestPath,
  type Scope,
} from "@bulkhead/contract";
import { waitFor } from "@bulkhead/harness";
import { textBody } from "@bulkhead/kit";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Authorized, authorized, platformKey } from "./test/authorized.ts";

const requests = Number(process.env["EXPLAIN_REQUESTS"] ?? 150);
const seed = Number(process.env["EXPLAIN_SEED"] ?? 7);

/** Mulberry32. */
const random = (from: number): ((below: number) => number) => {
  let a = from;
  return (below) => {
    a = (a + 0x6d2b79f5) | 0;
    let t = Math.imul(a ^ (a >>> 15), 1 | a);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) % below;
  };
};

const operations: readonly Operation[] = [
  "stat",
  "read",
  "list",
  "write",
  "mkdir",
  "remove",
  "copy",
  "move",
];
const names = ["docs", "docs/a", "docs/deep", "docs/deep/b", "open", "open/c", "none", "none/x"];

/** What only the storage can tell, once policy has let the request through. */
const stored: ReadonlySet<string> = new Set<ErrorCode>([
  "already-exists",
  "not-empty",
  "is-directory",
  "not-directory",
  "invalid-request",
]);

describe(`explanations (EXPLAIN_SEED=${seed})`, () => {
  let on: Authorized;
  const keys: { readonly name: string; readonly key: string }[] = [];

  beforeAll(async () => {
    on = await authorized();
    const { tenants, shares } = on.engine.control;
    for (const id of ["acme", "beta", "shut"])
      await tenants.create(await on.as(platformKey), { id });
    for (const id of ["acme", "beta", "shut"])
      for (const path of ["docs/a", "docs/deep/b", "open/c"])
        await on.write(platformKey, `/workspace/${id}/${path}`);
    await on.grant("user:alice", "viewer", "/workspace/acme/docs");
    await on.grant("user:alice", "editor", "/workspace/acme/docs/deep");
    await on.grant("user:bob", "owner", "/workspace/acme");
    await on.grant("user:bob", "blocked", "/workspace/acme/docs/deep");
    await on.grant("user:alice", "editor", "/workspace/beta/open", { subjectTenant: "acme" });
    await shares.create(await on.as(platformKey), {
      path: "/workspace/beta/docs",
      tenant: "acme",
    });
    const add = (name: string, key: string): void => void keys.push({ name, key });
    for (const id of ["alice", "bob", "carol"]) add(id, await on.user("acme", id));
    add("reader", await on.user("acme", "alice", ["read"]));
    add("writer", await on.user("acme", "bob", ["write", "read"]));
    add("shut", await on.user("shut", "dan"));
    const bound = async (prefix: string, scopes: readonly Scope[]): Promise<void> =>
      add(prefix, await on.mint(platformKey, { workspacePrefix: prefix, scopes }));
    await bound("/workspace/acme", ["read", "write"]);
    await bound("/workspace/acme/docs", ["read", "write"]);
    await bound("/workspace/acme/open", ["read"]);
    await bound("/workspace/shut", ["read", "write"]);
    add("platform", platformKey);
    await tenants.suspend(await on.as(platformKey), "shut", undefined);
  });
  afterAll(() => on[Symbol.asyncDispose]());

  it("say what the request gets, whatever it is", async () => {
    const pick = random(seed);
    const of = <T>(all: readonly T[]): T => all[pick(all.length)] as T;
    const path = (): string => {
      const name = of(names);
      switch (pick(8)) {
        case 0:
          return `/${name}`;
        case 1:
          return `/workspace/beta/${name}`;
        case 2:
          return `/workspace/shut/${name}`;
        case 3:
          return of(["/", "/workspace", "/workspace/acme", "/workspace/nobody", "/tenants", "/x"]);
        case 4:
          return `/workspace/acme/shared/from-beta/${name}`;
        default:
          return `/workspace/acme/${name}`;
      }
    };
    const { session, explain } = on.engine.control;
    const run = async (
      key: string,
      operation: Operation,
      from: string,
      to: string,
    ): Promise<unknown> => {
      const ctx = await on.as(key);
      const [a, b] = [parseRequestPath(from), parseRequestPath(to)];
      switch (operation) {
        case "read":
          return on.text(key, from);
        case "write":
          return session.write(ctx, a, textBody("x"));
        case "copy":
        case "move": {
          const result = await session[operation](ctx, a, b);
          // Another storage's directory: what comes next is not to meet it half-way.
          if ("job" in result) await waitFor(() => ended(result.job));
          return result;
        }
        case "stat":
        case "list":
        case "mkdir":
        case "remove":
          return session[operation](ctx, a);
        default:
          return operation satisfies never;
      }
    };
    const ended = async (job: string): Promise<boolean> => {
      const { state } = await on.engine.control.jobs.get(await on.as(platformKey), job);
      return state === "done" || state === "dead";
    };
    const denied = new Map<string, number>();
    for (let i = 0; i < requests; i++) {
      const { name, key } = of(keys);
      const [operation, from, to] = [of(operations), path(), path()];
      let told: Explanation | undefined;
      const asked = await on.outcome(async () => {
        told = await explain(await on.as(key), { operation, path: from, to });
      });
      // A key that is served nothing is not told why, either.
      if (told === undefined) {
        expect(["tenant-suspended", "scope-required"]).toContain(asked);
        continue;
      }
      const real = await on.outcome(() => run(key, operation, from, to));
      const { code = "ok" } = told;
      const request = `${i}: ${name} ${operation} ${from} ${to}`;
      if (code === "ok" && stored.has(real)) continue;
      expect([request, code]).toEqual([request, real]);
      const ended = told.steps.find(({ outcome }) => outcome === "denied")?.step;
      if (ended !== undefined) denied.set(ended, (denied.get(ended) ?? 0) + 1);
      if (real === "ok" && operation !== "stat" && operation !== "list" && operation !== "read")
        await restore();
    }
    for (const step of ["bounds", "relations", "backend"] as const)
      expect([step, denied.get(step) ?? 0]).not.toEqual([step, 0]);
  });

  /** Puts back what a request took away or made. */
  const restore = async (): Promise<void> => {
    const { session } = on.engine.control;
    for (const id of ["acme", "beta", "shut"])
      for (const name of ["none"])
        await on.outcome(async () =>
          session.remove(await on.as(platformKey), parseRequestPath(`/workspace/${id}/${name}`), {
            recursive: true,
          }),
        );
    for (const id of ["acme", "beta", "shut"])
      for (const name of ["docs/a", "docs/deep/b", "open/c"])
        await on.outcome(() => on.write(platformKey, `/workspace/${id}/${name}`));
  };
});
