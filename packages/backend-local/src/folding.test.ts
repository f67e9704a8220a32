import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { textBody } from "@bulkhead/kit";
import { describe, expect, it } from "vitest";
import { withFaults } from "./disk-fault.ts";
import { detectFolding } from "./folding.ts";
import { local } from "./local.ts";
import { nodeFileSystem } from "./node-file-system.ts";
import {
  composing,
  foldingFileSystem,
  hfs,
  type Naming,
  ntfs,
} from "./test/folding-file-system.ts";
import { at, codeOf, ctx, get, leftovers, put, scratch, tree } from "./test/scratch.ts";

const composed = "caf\u00e9";
const decomposed = "cafe\u0301";

const opened = async (naming: Naming) => {
  const root = await scratch();
  return { root, backend: await local({ root, fs: foldingFileSystem(naming) }) };
};

describe("what is detected", () => {
  it.each([
    [
      "this machine's",
      nodeFileSystem,
      { foldsCase: false, foldsForms: false, rewritesTo: undefined, links: true },
    ],
    [
      "NTFS",
      foldingFileSystem(ntfs),
      { foldsCase: true, foldsForms: false, rewritesTo: undefined, links: true },
    ],
    [
      "HFS+",
      foldingFileSystem(hfs),
      { foldsCase: true, foldsForms: true, rewritesTo: "NFD", links: true },
    ],
    [
      "composing",
      foldingFileSystem(composing),
      { foldsCase: false, foldsForms: true, rewritesTo: "NFC", links: true },
    ],
    [
      "APFS",
      foldingFileSystem({ fold: hfs.fold, store: (name) => name }),
      { foldsCase: true, foldsForms: true, rewritesTo: undefined, links: true },
    ],
    [
      "FAT",
      {
        ...foldingFileSystem(ntfs),
        link: () => Promise.reject(Object.assign(new Error("no links"), { code: "EPERM" })),
      },
      { foldsCase: true, foldsForms: false, rewritesTo: undefined, links: false },
    ],
  ])("%s", async (_name, fs, folding) => {
    const root = await scratch();
    expect(await detectFolding(withFaults(fs), root)).toEqual(folding);
    expect(await readdir(root)).toEqual([]);
  });
});

describe("where case does not count", () => {
  it("another spelling is not found, at the end and on the way", async () => {
    const { backend } = await opened(ntfs);
    await put(backend, "Data/Report", "x");
    for (const path of ["data/Report", "Data/report", "DATA"]) {
      expect(await codeOf(backend.stat(ctx(), at(path)))).toBe("not-found");
      expect(await codeOf(backend.read(ctx(), at(path)))).toBe("not-found");
      expect(await codeOf(backend.list(ctx(), at(path)))).toBe("not-found");
      expect(await codeOf(backend.remove(ctx(), at(path), { recursive: true }))).toBe("not-found");
      expect(await codeOf(backend.move(ctx(), at(path), at("new")))).toBe("not-found");
      expect(await codeOf(backend.copy(ctx(), at(path), at("new")))).toBe("not-found");
    }
    expect(await get(backend, "Data/Report")).toBe("x");
  });

  it("creating another spelling collides and replaces nothing", async () => {
    const { backend, root } = await opened(ntfs);
    await put(backend, "Data/Report", "x");
    await put(backend, "other", "y");
    for (const path of ["data", "Data/report", "data/new", "DATA/Report"]) {
      expect(await codeOf(put(backend, path, "new")), path).toBe("already-exists");
      expect(await codeOf(backend.mkdir(ctx(), at(path))), path).toBe("already-exists");
      expect(
        await codeOf(backend.move(ctx(), at("other"), at(path), { mode: "overwrite" })),
        path,
      ).toBe("already-exists");
      expect(
        await codeOf(backend.copy(ctx(), at("other"), at(path), { mode: "overwrite" })),
        path,
      ).toBe("already-exists");
      const conditional = backend.write(ctx(), at(path), textBody("new"), {
        mode: { ifMatch: "e" },
      });
      expect(await codeOf(conditional), path).toBe("precondition-failed");
    }
    expect(await tree(root)).toEqual({ Data: null, "Data/Report": "x", other: "y" });
    expect(await leftovers(root)).toEqual([]);
  });

  it("of two spellings written at once, one is stored", async () => {
    const { backend, root } = await opened(ntfs);
    const codes = await Promise.all(
      ["name", "NAME", "Name", "nAme"].map((name) => codeOf(put(backend, name, name))),
    );
    expect(codes.filter((code) => code === "resolved")).toHaveLength(1);
    expect(codes.filter((code) => code === "already-exists")).toHaveLength(3);
    const [[name, content] = []] = Object.entries(await tree(root));
    expect(name).toBe(content);
  });

  it("no spelling leads into the storage's own directory", async () => {
    const { backend, root } = await opened(ntfs);
    const marker = await readdir(join(root, ".bulkhead"));
    for (const path of [".BULKHEAD", ".Bulkhead/staging", ".Bulkhead/marker"]) {
      expect(await codeOf(backend.stat(ctx(), at(path)))).toBe("not-found");
      expect(await codeOf(backend.remove(ctx(), at(path), { recursive: true }))).toBe("not-found");
      expect(await codeOf(put(backend, path, "x"))).toBe("already-exists");
    }
    expect(await readdir(join(root, ".bulkhead"))).toEqual(marker);
  });
});

describe("where forms do not count", () => {
  it.each([
    ["HFS+", hfs, decomposed, composed],
    ["composing", composing, composed, decomposed],
  ])("%s keeps one spelling and refuses the other", async (_name, naming, kept, refused) => {
    const { backend, root } = await opened(naming);
    expect(await codeOf(put(backend, refused, "x"))).toBe("invalid-path");
    expect(await codeOf(backend.mkdir(ctx(), at(refused)))).toBe("invalid-path");
    await put(backend, kept, "x");
    expect((await backend.list(ctx(), at(""))).entries.map((entry) => entry.name)).toEqual([kept]);
    expect(await codeOf(backend.stat(ctx(), at(refused)))).toBe("not-found");
    expect(await codeOf(put(backend, refused, "y"))).toBe("already-exists");
    expect(await get(backend, kept)).toBe("x");
    expect(await leftovers(root)).toEqual([]);
  });
});

describe("where there are no links", () => {
  it("creating still replaces nothing", async () => {
    const root = await scratch();
    const link = (): Promise<void> =>
      Promise.reject(Object.assign(new Error("no links"), { code: "EPERM" }));
    const backend = await local({ root, fs: { ...nodeFileSystem, link } });
    const attempts = ["1", "2", "3"].map((text) =>
      codeOf(backend.write(ctx(), at("f"), textBody(text), { mode: "create" })),
    );
    expect((await Promise.all(attempts)).map(String).toSorted()).toEqual([
      "already-exists",
      "already-exists",
      "resolved",
    ]);
    expect(await leftovers(root)).toEqual([]);
  });
});
