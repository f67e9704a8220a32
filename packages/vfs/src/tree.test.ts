import { memory } from "@bulkhead/backend-memory";
import {
  type Backend,
  type BackendPath,
  type Context,
  FileError,
  isFileError,
  type OpContext,
  parseVirtualPath,
  type Tree,
  type VirtualPath,
} from "@bulkhead/contract";
import { collect, guard, overrideBackend, plainContext, sortKey, textBody } from "@bulkhead/kit";
import { describe, expect, it } from "vitest";
import { MountTable } from "./mount-table.ts";
import { tree } from "./tree.ts";

const at = (raw: string): VirtualPath => parseVirtualPath(raw);
const ctx: Context = {
  ...plainContext(),
  cut: () => undefined,
  principal: {
    kind: "platform",
    keyId: "k",
    tenant: undefined,
    subject: { type: "service", id: "s" },
    scopes: [],
    reach: { home: at("/"), bounds: [at("/")] },
    expiresAt: undefined,
  },
};

const down = (): Backend => {
  const refuse = guard<BackendPath, OpContext>(() =>
    Promise.reject(new FileError("unavailable", "The storage does not answer.")),
  );
  return overrideBackend(memory(), refuse(memory()));
};

const over = (mounts: Readonly<Record<string, Backend>>): Tree => {
  const table = MountTable.of(
    Object.entries(mounts).map(([id, backend]) => ({ id, path: at(id), backend })),
  );
  return tree(() => table);
};

const keys = async (whole: Tree, raw: string, limit?: number): Promise<readonly string[]> => {
  const found: string[] = [];
  for (let after: string | undefined, more = true; more; more = after !== undefined) {
    const page = await whole.list(ctx, at(raw), {
      ...(limit && { limit }),
      ...(after !== undefined && { after }),
    });
    if (limit !== undefined) expect(page.entries.length).toBeLessThanOrEqual(limit);
    found.push(...page.entries.map(sortKey));
    after = page.next;
  }
  return found;
};

const put = (whole: Tree, raw: string, text = "x") => whole.write(ctx, at(raw), textBody(text));
const text = async (whole: Tree, raw: string): Promise<string> => {
  await using result = await whole.read(ctx, at(raw));
  return new TextDecoder().decode(await collect(result.content));
};
const code = async (call: Promise<unknown>): Promise<unknown> => {
  try {
    return await call;
  } catch (error) {
    return isFileError(error) ? error.code : error;
  }
};

describe("listing", () => {
  it("merges mount points in order, each once, at every size of page", async () => {
    const root = memory();
    const below = tree(() => MountTable.of([{ id: "/", path: at("/"), backend: root }]));
    for (const raw of ["/a", "/b.txt", "/m1/hidden", "/m3", "/n/kept", "/z"]) await put(below, raw);
    const whole = over({
      "/": root,
      "/m1": memory(),
      "/m2": memory(),
      "/m3": memory(),
      "/n/deep/m": memory(),
      "/zz": memory(),
    });
    const all = ["a", "b.txt", "m1/", "m2/", "m3/", "n/", "z", "zz/"];
    for (const limit of [1, 2, 3, 5, 8, undefined])
      expect(await keys(whole, "/", limit), `by ${limit}`).toEqual(all);
    expect(await keys(whole, "/n", 1)).toEqual(["deep/", "kept"]);
    expect(await keys(whole, "/n/deep")).toEqual(["m/"]);
    expect((await whole.list(ctx, at("/"), { limit: 8 })).next).toBeUndefined();
    // A directory of the storage that leads to a mount keeps its own facts; a mount point does not.
    const { entries } = await whole.list(ctx, at("/"));
    expect(entries.find((e) => e.name === "n")?.modifiedAt).toBeGreaterThan(0);
    expect(entries.find((e) => e.name === "m1")?.modifiedAt).toBe(0);
    expect(await code(whole.list(ctx, at("/"), { limit: 0 }))).toBe("invalid-request");
  });

  it("pages 20,000 mount points beside the storage's own entries", async () => {
    const [backend, root] = [memory(), memory()];
    await root.mkdir(
      plainContext(),
      MountTable.of([{ id: "r", path: at("/"), backend: root }]).resolve(at("/workspace")).path,
    );
    const points = Array.from({ length: 20_000 }, (_, i) => ({
      id: `${i}`,
      path: at(`/workspace/t${i}`),
      backend,
    }));
    const table = MountTable.of([...points, { id: "r", path: at("/"), backend: root }]);
    const whole = tree(() => table);
    await put(whole, "/workspace/t5-x");
    const all = await keys(whole, "/workspace", 1000);
    expect(all).toHaveLength(20_001);
    expect(new Set(all).size).toBe(20_001);
    expect(all).toEqual([...all].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b))));
  });
});

describe("mount points and the directories above them", () => {
  const make = () =>
    over({ "/": memory(), "/w/t/m": memory(), "/w/t/m/n/inner": memory(), "/w/u": memory() });

  it("are directories", async () => {
    const whole = make();
    for (const [raw, name] of [
      ["/", ""],
      ["/w", "w"],
      ["/w/t", "t"],
      ["/w/t/m", "m"],
      ["/w/t/m/n", "n"],
    ] as const)
      expect(await whole.stat(ctx, at(raw))).toMatchObject({ name, kind: "directory", size: 0 });
    expect(await code(whole.read(ctx, at("/w")))).toBe("is-directory");
    expect(await code(whole.list(ctx, at("/w/x")))).toBe("not-found");
  });

  it("are neither written, moved nor removed", async () => {
    const whole = make();
    await put(whole, "/f");
    await put(whole, "/w/u/g");
    for (const raw of ["/", "/w", "/w/t", "/w/u", "/w/t/m/n"]) {
      expect(await code(put(whole, raw)), raw).toBe("is-directory");
      expect(await code(whole.write(ctx, at(raw), textBody(""), { mode: "create" })), raw).toBe(
        "already-exists",
      );
      expect(await code(whole.mkdir(ctx, at(raw))), raw).toBe("already-exists");
      for (const mode of ["create", "overwrite"] as const) {
        expect(await code(whole.move(ctx, at("/f"), at(raw), { mode })), raw).toBe("forbidden");
        const occupied = mode === "create" ? "already-exists" : "is-directory";
        expect(await code(whole.copy(ctx, at("/f"), at(raw), { mode })), raw).toBe(occupied);
      }
      expect(await code(whole.move(ctx, at(raw), at("/w/u/new"))), raw).toBe("forbidden");
    }
    for (const raw of ["/", "/w", "/w/t", "/w/t/m", "/w/t/m/n"])
      for (const recursive of [true, false])
        expect(await code(whole.remove(ctx, at(raw), { recursive })), raw).toBe("forbidden");
    expect(await text(whole, "/f")).toBe("x");
  });

  it("are emptied where no other mount lies below", async () => {
    const whole = make();
    expect(await code(whole.remove(ctx, at("/w/u")))).toBe("forbidden");
    await put(whole, "/w/u/d/f", "abc");
    expect(await code(whole.remove(ctx, at("/w/u")))).toBe("not-empty");
    expect(await whole.remove(ctx, at("/w/u"), { recursive: true })).toEqual({
      files: 1,
      bytes: 3,
    });
    expect(await keys(whole, "/w/u")).toEqual([]);
    expect(await keys(whole, "/w")).toEqual(["t/", "u/"]);
  });

  it("hold directories of the storage below", async () => {
    const whole = make();
    await whole.mkdir(ctx, at("/w/t/own"));
    expect(await keys(whole, "/w/t")).toEqual(["m/", "own/"]);
    expect(await code(whole.mkdir(ctx, at("/w/t/own")))).toBe("already-exists");
    expect(await code(whole.mkdir(ctx, at("/w/none/own")))).toBe("not-found");
  });

  it("are copied entry by entry with the mounts below them", async () => {
    const whole = make();
    await put(whole, "/w/t/m/f", "1");
    await put(whole, "/w/t/m/n/inner/g", "22");
    await put(whole, "/w/t/own/h", "333");
    expect(await whole.copy(ctx, at("/w/t"), at("/w/u/copy"))).toEqual({ files: 3, bytes: 6 });
    expect(await text(whole, "/w/u/copy/m/n/inner/g")).toBe("22");
    expect(await text(whole, "/w/u/copy/own/h")).toBe("333");
    expect(await code(whole.copy(ctx, at("/w/t"), at("/w/t/m/again")))).toBe("invalid-request");
    expect(await code(whole.copy(ctx, at("/w/t"), at("/w/t"), { mode: "overwrite" }))).toBe(
      "invalid-request",
    );
    expect(await code(whole.copy(ctx, at("/w/t"), at("/w/u/copy")))).toBe("already-exists");
    expect(await code(whole.copy(ctx, at("/w/t"), at("/w/u/c2"), { ifMatch: "e" }))).toBe(
      "precondition-failed",
    );
    expect(await code(whole.copy(ctx, at("/w/t"), at("/w/u/c2"), { mode: { ifMatch: "e" } }))).toBe(
      "precondition-failed",
    );
  });

  it("stand where nothing is mounted above", async () => {
    const whole = over({ "/a/b": memory() });
    expect(await keys(whole, "/")).toEqual(["a/"]);
    expect((await whole.stat(ctx, at("/a"))).kind).toBe("directory");
    expect(await code(whole.stat(ctx, at("/x")))).toBe("not-found");
    expect(await code(put(whole, "/a/x"))).toBe("not-found");
    expect(await code(whole.mkdir(ctx, at("/a/x")))).toBe("not-found");
  });
});

describe("a storage that does not answer", () => {
  it("keeps its place", async () => {
    const root = memory();
    await put(over({ "/": root }), "/m/shadowed");
    const whole = over({ "/": root, "/m": down() });
    expect(await keys(whole, "/")).toEqual(["m/"]);
    const calls = [
      put(whole, "/m/f"),
      whole.stat(ctx, at("/m/shadowed")),
      whole.read(ctx, at("/m/shadowed")),
      whole.list(ctx, at("/m")),
    ];
    for (const call of calls) expect(await code(call)).toBe("unavailable");
    await put(whole, "/f");
    expect(await code(whole.move(ctx, at("/f"), at("/m/f")))).toBe("unavailable");
    expect(await text(whole, "/f")).toBe("x");
    expect(await text(over({ "/": root }), "/m/shadowed")).toBe("x");
  });

  it("leaves the mounts below it where they are", async () => {
    const whole = over({ "/": down(), "/w/m": memory() });
    expect((await whole.stat(ctx, at("/w"))).kind).toBe("directory");
    await put(whole, "/w/m/f");
    expect(await keys(whole, "/w/m")).toEqual(["f"]);
    expect(await code(whole.list(ctx, at("/w")))).toBe("unavailable");
  });
});

describe("options", () => {
  it("are refused where the storage does not declare them", async () => {
    const whole = over({
      "/": memory({ capability: { metadata: false, versions: false, maxFileSize: 2 } }),
    });
    expect(await code(whole.write(ctx, at("/f"), textBody(""), { metadata: { a: "b" } }))).toBe(
      "invalid-request",
    );
    expect(await code(whole.read(ctx, at("/f"), { version: "1" }))).toBe("invalid-request");
    expect(await code(put(whole, "/f", "long"))).toBe("too-large");
  });

  it("are read from one table a call", async () => {
    let asked = 0;
    const table = MountTable.of([
      { id: "/", path: at("/"), backend: memory() },
      { id: "m", path: at("/m"), backend: memory() },
    ]);
    const whole = tree(() => {
      asked += 1;
      return table;
    });
    await put(whole, "/d/f");
    await whole.copy(ctx, at("/d"), at("/m/d"));
    // Once for each call, and once more where what was written commits.
    expect(asked).toBe(3);
  });
});
