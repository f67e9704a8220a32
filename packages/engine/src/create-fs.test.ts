import { readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { local } from "@bulkhead/backend-local";
import { memory } from "@bulkhead/backend-memory";
import { tempDir } from "@bulkhead/harness";
import { describe, expect, it } from "vitest";
import { createFS } from "./create-fs.ts";

describe("createFS", () => {
  it("is one tree over several storages, in process", async () => {
    await using dir = await tempDir();
    const fs = await createFS({ mounts: { "/": local({ root: dir.path }), "/scratch": memory() } });
    await fs.writeFile("/notes/today.txt", "hello");
    await fs.appendFile("/notes/today.txt", " world");
    await fs.cp("/notes/today.txt", "/scratch/copy.txt");
    await fs.rename("/scratch/copy.txt", "/moved.txt");
    expect(await fs.readFile("/moved.txt", { encoding: "utf8" })).toBe("hello world");
    expect(await fs.readFile("/moved.txt", { encoding: "utf8", range: { start: 6 } })).toBe(
      "world",
    );
    expect(await fs.exists("/scratch/copy.txt")).toBe(false);
    expect((await fs.readdir("/")).map((entry) => entry.name)).toEqual([
      "moved.txt",
      "notes",
      "scratch",
    ]);
    const found: string[] = [];
    for await (const entry of fs.glob("**/*.txt")) found.push(entry.path.join("/"));
    expect(found).toEqual(["moved.txt", "notes/today.txt"]);
    await fs.mkdir("/scratch/a/b", { recursive: true });
    expect(await fs.rm("/notes", { recursive: true })).toEqual({ files: 1, bytes: 11 });
    expect(await fs.rm("/notes", { force: true })).toEqual({ files: 0, bytes: 0 });
    await expect(fs.stat("/notes")).rejects.toMatchObject({ code: "not-found" });
    await fs.close();
  });

  it("refuses paths and mounts that are not legal", async () => {
    const fs = await createFS({ mounts: { "/": memory() } });
    await expect(fs.writeFile("/a/../b", "x")).rejects.toMatchObject({ code: "invalid-path" });
    await expect(fs.writeFile("relative", "x")).rejects.toMatchObject({ code: "invalid-path" });
    await fs.close();
    await expect(createFS({ mounts: { "no-slash": memory() } })).rejects.toMatchObject({
      code: "invalid-path",
    });
  });

  it("discards what a killed program had staged", async () => {
    await using dir = await tempDir();
    await (await createFS({ mounts: { "/": local({ root: dir.path }) } })).close();
    const staging = join(dir.path, ".bulkhead", "staging");
    await writeFile(join(staging, "left-behind"), "half");
    const fs = await createFS({ mounts: { "/": local({ root: dir.path }) } });
    expect(await readdir(staging)).toEqual([]);
    await fs.close();
  });

  it("stops a stream that nobody reads on", async () => {
    await using dir = await tempDir();
    const fs = await createFS({ mounts: { "/": local({ root: dir.path }) } });
    await fs.writeFile("/large", new Uint8Array(4 << 20));
    let first = 0;
    for await (const chunk of fs.readStream("/large")) {
      first = chunk.length;
      break;
    }
    expect(first).toBeGreaterThan(0);
    expect((await fs.readFile("/large")).length).toBe(4 << 20);
    await fs.close();
  });
});
