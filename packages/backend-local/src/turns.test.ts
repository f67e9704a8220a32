import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { local } from "./local.ts";
import { nodeFileSystem } from "./node-file-system.ts";
import { before, prepare } from "./test/scenarios.ts";
import { at, codeOf, ctx, leftovers, scratch, tree } from "./test/scratch.ts";

/** A prepared backend whose next listing of a directory stops between names and stats until it is let on. */
const paused = async (directory: string) => {
  const root = await scratch();
  const stopped = Promise.withResolvers<void>();
  const on = Promise.withResolvers<void>();
  let armed = false;
  const backend = await local({
    root,
    fs: {
      ...nodeFileSystem,
      readdir: async (path) => {
        const entries = await nodeFileSystem.readdir(path);
        if (armed && path === (directory === "" ? root : join(root, directory))) {
          armed = false;
          stopped.resolve();
          await on.promise;
        }
        return entries;
      },
    },
  });
  await prepare(root);
  armed = true;
  return { root, backend, stopped: stopped.promise, on: on.resolve };
};

describe("a listing that a change meets half-way", () => {
  it.each([
    [
      "the move of an entry away",
      "",
      (b) => b.move(ctx(), at("d"), at("h/d")),
      ["d/", "f", "g", "h/"],
    ],
    ["the move of an entry here", "h", (b) => b.move(ctx(), at("d"), at("h/d")), []],
    [
      "the move of the directory itself",
      "d",
      (b) => b.move(ctx(), at("d"), at("moved")),
      ["e/", "y"],
    ],
    ["the move of a directory above", "d/e", (b) => b.move(ctx(), at("d"), at("moved")), ["x"]],
    [
      "the removal of the directory itself",
      "d",
      (b) => b.remove(ctx(), at("d"), { recursive: true }),
      ["e/", "y"],
    ],
    ["the removal of all", "d/e", (b) => b.remove(ctx(), at(""), { recursive: true }), ["x"]],
  ] satisfies [
    string,
    string,
    (backend: Awaited<ReturnType<typeof local>>) => Promise<unknown>,
    string[],
  ][])("shows all or nothing of %s", async (_name, directory, change, expected) => {
    const { root, backend, stopped, on } = await paused(directory);
    const listing = backend.list(ctx(), at(directory));
    await stopped;
    const changing = change(backend);
    await new Promise((resolve) => setTimeout(resolve, 30));
    // The change has come as far as it can without the listing's end.
    expect(await tree(root)).toEqual(before);
    on();
    const keys = (await listing).entries.map(({ name, kind }) =>
      kind === "directory" ? `${name}/` : name,
    );
    expect(keys).toEqual(expected);
    await changing;
    expect(await tree(root)).not.toEqual(before);
  });

  it("does not wait for a commit that is pending", async () => {
    const root = await scratch();
    const backend = await local({ root });
    await prepare(root);
    const committing = Promise.withResolvers<void>();
    const granted = Promise.withResolvers<void>();
    const moving = backend.move(
      ctx(() => {
        committing.resolve();
        return granted.promise;
      }),
      at("d"),
      at("h/d"),
    );
    await committing.promise;
    expect((await backend.list(ctx(), at("d"))).entries).toHaveLength(2);
    expect((await backend.list(ctx(), at(""))).entries).toHaveLength(4);
    granted.resolve();
    await moving;
  });
});

describe("a directory that changes while it is copied", () => {
  it("is copied without what was removed before it was reached", async () => {
    const { root, backend, stopped, on } = await paused("d");
    const copying = backend.copy(ctx(), at("d"), at("copy"));
    await stopped;
    await backend.remove(ctx(), at("d/y"));
    on();
    expect(await copying).toEqual({ files: 1, bytes: 4 });
    expect(await tree(join(root, "copy"))).toEqual({ e: null, "e/x": "deep" });
  });

  it("is not found once it is gone, and a conflict once it is another", async () => {
    const gone = await paused("d");
    const copying = codeOf(gone.backend.copy(ctx(), at("d"), at("copy")));
    await gone.stopped;
    await gone.backend.move(ctx(), at("d"), at("elsewhere"));
    gone.on();
    expect(await copying).toBe("not-found");
    expect(await leftovers(gone.root)).toEqual([]);

    const other = await paused("d");
    const again = codeOf(other.backend.copy(ctx(), at("d"), at("copy")));
    await other.stopped;
    await other.backend.move(ctx(), at("d"), at("elsewhere"));
    await other.backend.mkdir(ctx(), at("d"));
    other.on();
    expect(await again).toBe("conflict");
    expect(Object.keys(await tree(other.root))).not.toContain("copy");
    expect(await leftovers(other.root)).toEqual([]);
  });

  it("stays where it is while the copy's commit is pending", async () => {
    const root = await scratch();
    const backend = await local({ root });
    await prepare(root);
    const committing = Promise.withResolvers<void>();
    const granted = Promise.withResolvers<void>();
    const commit = (): Promise<void> => {
      committing.resolve();
      return granted.promise;
    };
    const copying = backend.copy(ctx(commit), at("d"), at("copy"));
    await committing.promise;
    const moving = backend.move(ctx(), at("d"), at("elsewhere"));
    await new Promise((resolve) => setTimeout(resolve, 30));
    expect(Object.keys(await tree(root))).toContain("d");
    granted.resolve();
    await Promise.all([copying, moving]);
    expect(Object.keys(await tree(root))).not.toContain("d");
  });

  it("judges ifMatch of a file again when it counts", async () => {
    const root = await scratch();
    const afterCopy: { run?: () => Promise<void> } = {};
    const backend = await local({
      root,
      fs: {
        ...nodeFileSystem,
        copyFile: async (from, to) => {
          await nodeFileSystem.copyFile(from, to);
          await afterCopy.run?.();
        },
      },
    });
    await prepare(root);
    const { etag = "" } = await backend.stat(ctx(), at("f"));
    afterCopy.run = () => writeFile(join(root, "f"), "changed");
    expect(await codeOf(backend.copy(ctx(), at("f"), at("copy"), { ifMatch: etag }))).toBe(
      "precondition-failed",
    );
    expect(Object.keys(await tree(root))).not.toContain("copy");
    expect(await leftovers(root)).toEqual([]);
  });
});
