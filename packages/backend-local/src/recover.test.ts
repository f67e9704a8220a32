import { link } from "node:fs/promises";
import { join } from "node:path";
import { textBody } from "@bulkhead/kit";
import { describe, expect, it } from "vitest";
import { local } from "./local.ts";
import { nodeFileSystem } from "./node-file-system.ts";
import { observed } from "./test/observed.ts";
import { at, codeOf, ctx, put, scratch, tree } from "./test/scratch.ts";

const remember = () => {
  const ids: string[] = [];
  return { ids, ctx: ctx(async ({ id }) => void ids.push(id)) };
};

describe("recovery beyond a single crash", () => {
  it("tells a write that was replaced before it was settled from its successor", async () => {
    const backend = await local({ root: await scratch() });
    const { ids, ctx: context } = remember();
    await backend.write(context, at("f"), textBody("one"));
    await backend.write(context, at("f"), textBody("two"));
    const recovered = await Promise.all(
      ids.map((staged) => backend.recover(ctx(), { operation: "write", paths: [at("f")], staged })),
    );
    expect(recovered).toEqual(["undone", "done"]);
  });

  it("finishes a move of which power loss kept both names", async () => {
    const root = await scratch();
    const backend = await local({ root });
    await put(backend, "a", "abc");
    const { ids, ctx: context } = remember();
    await backend.move(context, at("a"), at("b"));
    await link(join(root, "b"), join(root, "a"));
    const interrupted = {
      operation: "move",
      paths: [at("a"), at("b")],
      staged: ids[0] ?? "",
    } as const;
    expect(await backend.recover(ctx(), interrupted)).toBe("done");
    expect(await tree(root)).toEqual({ b: "abc" });
  });

  it("keeps a made directory that somebody uses", async () => {
    const root = await scratch();
    const backend = await local({ root });
    const { ids, ctx: context } = remember();
    await backend.write(context, at("n/o/f"), textBody("x"));
    await put(backend, "n/g", "kept");
    await backend.remove(ctx(), at("n/o/f"));
    const interrupted = { operation: "write", paths: [at("n/o/f")], staged: ids[0] ?? "" } as const;
    expect(await backend.recover(ctx(), interrupted)).toBe("undone");
    expect(await tree(root)).toEqual({ n: null, "n/g": "kept" });
  });

  it("makes the answer durable: every directory above is synced", async () => {
    const root = await scratch();
    const synced: string[] = [];
    const fs = observed(nodeFileSystem, (call, path = "") => {
      if (call === "sync") synced.push(path === root ? "." : path.slice(root.length + 1));
    });
    const backend = await local({ root, fs });
    const { ids, ctx: context } = remember();
    await backend.write(context, at("a/b/f"), textBody("x"));
    await backend.move(context, at("a/b/f"), at("c/f"));
    await backend.remove(context, at("c/f"));
    synced.length = 0;
    await backend.recover(ctx(), {
      operation: "write",
      paths: [at("a/b/f")],
      staged: ids[0] ?? "",
    });
    expect(synced).toEqual(["."]);
    synced.length = 0;
    await backend.recover(ctx(), {
      operation: "move",
      paths: [at("a/b/f"), at("c/f")],
      staged: ids[1] ?? "",
    });
    expect(synced).toEqual(["c", ".", "."]);
    synced.length = 0;
    await backend.recover(ctx(), { operation: "remove", paths: [at("c/f")], staged: ids[2] ?? "" });
    expect(synced).toEqual(["c", "."]);
  });

  it("refuses what it never staged", async () => {
    const backend = await local({ root: await scratch() });
    for (const staged of ["", "../../x", "0.0.0", `${"a".repeat(32)}.1.1.999`])
      expect(
        await codeOf(backend.recover(ctx(), { operation: "write", paths: [at("f")], staged })),
      ).toBe("invalid-request");
    const staged = `${"a".repeat(32)}.1.1.0`;
    expect(
      await codeOf(backend.recover(ctx(), { operation: "read", paths: [at("f")], staged })),
    ).toBe("invalid-request");
    expect(
      await codeOf(backend.recover(ctx(), { operation: "move", paths: [at("f")], staged })),
    ).toBe("invalid-request");
  });
});
