import {
  type Context,
  encodePath,
  FileError,
  isFileError,
  parseRequestPath,
  parseVirtualPath,
  type Reach,
  type RequestPath,
  type VirtualPath,
  type WholeSession,
  type WholeTree,
} from "@bulkhead/contract";
import { plainContext, textBody } from "@bulkhead/kit";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { addressed, defaultNamespaceRoots, locate, scope } from "./scope.ts";
import { scoped } from "./scoped.ts";

const at = (raw: string): VirtualPath => parseVirtualPath(raw);
const ask = (raw: string): RequestPath => parseRequestPath(raw);
const reachOf = (home: string, ...bounds: readonly string[]): Reach => ({
  home: at(home),
  bounds: bounds.map(at),
});
const codeOf = (run: () => unknown): unknown => {
  try {
    return run();
  } catch (error) {
    return isFileError(error) ? error.code : error;
  }
};

const context = (reach: Reach): Context => ({
  ...plainContext(),
  cut: () => undefined,
  principal: {
    kind: "capability",
    keyId: "k",
    tenant: undefined,
    subject: { type: "service", id: "s" },
    scopes: ["read", "write"],
    reach,
    expiresAt: undefined,
  },
});

/** Answers nothing but the paths it is called with. */
const recording = (): { readonly tree: WholeTree; readonly calls: string[][] } => {
  const calls: string[][] = [];
  const note =
    (operation: string, ends: number) =>
    (_: Context, ...rest: readonly unknown[]): Promise<never> => {
      calls.push([operation, ...rest.slice(0, ends).map(String)]);
      return Promise.reject(new FileError("not-found", "Nothing is here."));
    };
  const tree: WholeTree = {
    stat: note("stat", 1),
    read: note("read", 1),
    write: note("write", 1),
    list: note("list", 1),
    mkdir: note("mkdir", 1),
    remove: note("remove", 1),
    copy: note("copy", 2),
    move: note("move", 2),
    versions: note("versions", 1),
    restore: note("restore", 1),
  };
  return { tree, calls };
};

const everyCall = (
  session: WholeSession,
  ctx: Context,
  path: RequestPath,
  inside: RequestPath,
): Promise<unknown>[] => [
  session.stat(ctx, path),
  session.list(ctx, path),
  session.read(ctx, path),
  session.write(ctx, path, textBody("x")),
  session.mkdir(ctx, path),
  session.remove(ctx, path),
  session.versions(ctx, path),
  session.restore(ctx, path, "1"),
  session.copy(ctx, path, inside),
  session.copy(ctx, inside, path),
  session.move(ctx, path, inside),
  session.move(ctx, inside, path),
];

const failures = async (
  calls: readonly Promise<unknown>[],
): Promise<readonly (readonly [unknown, unknown])[]> =>
  (await Promise.allSettled(calls)).map((end) =>
    end.status === "rejected" && isFileError(end.reason)
      ? [end.reason.code, end.reason.detail]
      : ["answered", end],
  );

const tenants = fc.constantFrom("tenant-a", "tenant-ab", "tenant_a", "tenant", "a");
const rest = fc.array(fc.constantFrom("x", "tenant-a", "workspace", "data"), { maxLength: 3 });
const absolute = fc
  .tuple(fc.constantFrom("workspace", "tenants"), fc.array(tenants, { maxLength: 1 }), rest)
  .map(([root, tenant, more]) => ask(`/${[root, ...tenant, ...more].join("/")}`));
const relative = fc
  .tuple(fc.constantFrom("x", "workspace2", "Workspace", "tenant-a"), rest)
  .map(([first, more]) => ask(`/${[first, ...more].join("/")}`));

describe("scope", () => {
  it("places by namespace root or by home", () => {
    const reach = reachOf("/workspace/a/home", "/workspace/a");
    const placed = (raw: string): unknown =>
      codeOf(() => scope(reach, defaultNamespaceRoots, ask(raw)));
    expect(placed("/")).toBe("/workspace/a/home");
    expect(placed("/x/y")).toBe("/workspace/a/home/x/y");
    expect(placed("/workspace/a/x")).toBe("/workspace/a/x");
    expect(placed("/workspace2/a")).toBe("/workspace/a/home/workspace2/a");
    expect(placed("/workspace/ab")).toBe("outside-workspace");
    expect(placed("/workspace")).toBe("outside-workspace");
    expect(placed("/tenants/a")).toBe("outside-workspace");
    expect(codeOf(() => scope(reach, ["other"], ask("/other/x")))).toBe("outside-workspace");
    expect(codeOf(() => scope(reach, ["other"], ask("/workspace/b")))).toBe(
      "/workspace/a/home/workspace/b",
    );
  });

  it("lets the platform reach everything", () => {
    const reach = reachOf("/", "/");
    expect(scope(reach, defaultNamespaceRoots, ask("/"))).toBe("/");
    expect(scope(reach, defaultNamespaceRoots, ask("/x"))).toBe("/x");
    expect(scope(reach, defaultNamespaceRoots, ask("/workspace/b/c"))).toBe("/workspace/b/c");
  });

  it("refuses a home outside the bounds and a result that is too long", () => {
    expect(codeOf(() => scope(reachOf("/workspace/b", "/workspace/a"), [], ask("/")))).toBe(
      "outside-workspace",
    );
    const reach = reachOf("/workspace/a", "/workspace/a");
    expect(codeOf(() => scope(reach, [], ask(`/${"x/".repeat(62)}x`)))).toBe("invalid-path");
    const long = `/${Array.from({ length: 4 }, () => "n".repeat(254)).join("/")}`;
    expect(codeOf(() => scope(reach, [], ask(long)))).toBe("invalid-path");
    expect(codeOf(() => scope(reach, ["workspace"], ask(long)))).toBe("invalid-path");
  });

  it("never leaves the bounds, by whole segments", () => {
    fc.assert(
      fc.property(tenants, fc.oneof(absolute, relative), (tenant, path) => {
        const bound = `/workspace/${tenant}`;
        const names = path.slice(1).split("/");
        const inside =
          names[0] !== "workspace" && names[0] !== "tenants"
            ? true
            : names[0] === "workspace" && names[1] === tenant;
        const placed = codeOf(() => scope(reachOf(bound, bound), defaultNamespaceRoots, path));
        const expected = names[0] === "workspace" ? path : `${bound}${path}`;
        expect(placed).toBe(inside ? expected : "outside-workspace");
        expect(encodePath(path)).not.toContain("%2F");
      }),
      { numRuns: 500 },
    );
  });
});

describe("addressed", () => {
  it("writes what `locate` reads", () => {
    const roots = defaultNamespaceRoots;
    const reach = reachOf("/workspace/a", "/workspace/a");
    for (const [path, written] of [
      ["/workspace/a", "/"],
      ["/workspace/a/x/y", "/x/y"],
      ["/workspace/a/tenants/x", "/workspace/a/tenants/x"],
      ["/workspace/ab/x", "/workspace/ab/x"],
    ] as const) {
      expect(addressed(reach, roots, at(path))).toBe(written);
      expect(locate(reach, roots, ask(written))).toBe(path);
    }
    expect(addressed(reachOf("/", "/"), roots, at("/workspace/a"))).toBe("/workspace/a");
  });
});

describe("scoped", () => {
  const session = (tree: WholeTree): WholeSession => scoped((ctx) => ctx.principal.reach)(tree);

  it("answers outside the bounds one thing, whatever is asked, without a call", async () => {
    const ctx = context(reachOf("/workspace/tenant-a", "/workspace/tenant-a"));
    const { tree, calls } = recording();
    const answers = [];
    for (const raw of [
      "/workspace/tenant-ab",
      "/workspace/tenant_a/x",
      "/tenants/tenant-a",
      "/workspace/tenant",
    ])
      answers.push(...(await failures(everyCall(session(tree), ctx, ask(raw), ask("/in")))));
    expect(new Set(answers.map(String)).size).toBe(1);
    expect(answers[0]?.[0]).toBe("outside-workspace");
    expect(calls).toEqual([]);
  });

  it("passes on what is inside, both ends placed", async () => {
    const ctx = context(reachOf("/workspace/a", "/workspace/a"));
    const { tree, calls } = recording();
    await failures(everyCall(session(tree), ctx, ask("/x"), ask("/workspace/a/y")));
    const [x, y] = ["/workspace/a/x", "/workspace/a/y"];
    const single = ["stat", "list", "read", "write", "mkdir", "remove", "versions", "restore"].map(
      (operation) => [operation, x],
    );
    expect(calls).toEqual([
      ...single,
      ["copy", x, y],
      ["copy", y, x],
      ["move", x, y],
      ["move", y, x],
    ]);
  });

  it("shows above the bounds the names that lead to them, and nothing else", async () => {
    const ctx = context(reachOf("/workspace/a", "/workspace/a/team", "/workspace/b", "/tenants/a"));
    const { tree, calls } = recording();
    const whole = session(tree);
    expect(await whole.stat(ctx, ask("/workspace"))).toEqual({
      name: "workspace",
      kind: "directory",
      size: 0,
      modifiedAt: 0,
    });
    const names = async (raw: string, after?: string): Promise<readonly string[]> =>
      (await whole.list(ctx, ask(raw), after === undefined ? {} : { after })).entries.map(
        (entry) => entry.name,
      );
    expect(await names("/workspace")).toEqual(["a", "b"]);
    expect(await names("/workspace", "a/")).toEqual(["b"]);
    expect(await names("/workspace/a")).toEqual(["team"]);
    expect(await names("/tenants")).toEqual(["a"]);
    expect((await whole.list(ctx, ask("/workspace"), { limit: 1 })).next).toBe("a/");
    expect(calls).toEqual([]);
    const above = await failures(
      everyCall(whole, ctx, ask("/workspace"), ask("/workspace/b")).slice(2),
    );
    expect(new Set(above.map(([code]) => code))).toEqual(new Set(["outside-workspace"]));
    expect(calls).toEqual([]);
    // Home lies outside the bounds here: `/` is home, and no ancestor.
    expect(
      (await failures([whole.list(ctx, ask("/")), whole.stat(ctx, ask("/"))])).map(
        ([code]) => code,
      ),
    ).toEqual(["outside-workspace", "outside-workspace"]);
  });

  it("gives home no name", async () => {
    const ctx = context(reachOf("/workspace/a", "/workspace/a"));
    const { tree } = recording();
    const stat = () =>
      Promise.resolve({ name: "a", kind: "directory", size: 0, modifiedAt: 5 } as const);
    const whole = session({ ...tree, stat });
    expect(await whole.stat(ctx, ask("/"))).toEqual({
      name: "",
      kind: "directory",
      size: 0,
      modifiedAt: 5,
    });
    expect((await whole.stat(ctx, ask("/workspace/a"))).name).toBe("a");
  });
});
