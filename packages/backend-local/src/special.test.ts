import { execFileSync } from "node:child_process";
import {
  chmod,
  link,
  lstat,
  mkdir,
  readFile,
  rename,
  symlink,
  unlink,
  writeFile,
} from "node:fs/promises";
import { createServer } from "node:net";
import { join } from "node:path";
import { textBody } from "@bulkhead/kit";
import { describe, expect, it, onTestFinished } from "vitest";
import { local } from "./local.ts";
import { at, codeOf, ctx, get, leftovers, put, scratch, tree } from "./test/scratch.ts";

const outside = async (): Promise<string> => {
  const other = await scratch();
  await mkdir(join(other, "dir"));
  await writeFile(join(other, "secret"), "secret");
  await writeFile(join(other, "dir", "inner"), "inner");
  return other;
};

/** A root in which nothing but what is not served stands, and `real`. */
const planted = async () => {
  const root = await scratch();
  const other = await outside();
  await mkdir(join(root, "real"));
  await writeFile(join(root, "real", "inner"), "here");
  await symlink(join(other, "secret"), join(root, "file-link"));
  await symlink(join(other, "dir"), join(root, "dir-link"));
  await symlink("real", join(root, "inside-link"));
  await symlink("nowhere", join(root, "dangling"));
  await symlink("loop", join(root, "loop"));
  execFileSync("mkfifo", [join(root, "fifo")]);
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(join(root, "socket"), resolve));
  onTestFinished(() => new Promise<void>((resolve) => server.close(() => resolve())));
  const names = ["file-link", "dir-link", "inside-link", "dangling", "loop", "fifo", "socket"];
  // Making a device takes uid 0; where the machine forbids it, the other seven stand.
  if (process.getuid?.() === 0)
    try {
      execFileSync("mknod", [join(root, "device"), "c", "1", "5"], { stdio: "ignore" });
      names.push("device");
    } catch {
      // A container may be denied devices.
    }
  return { root, other, names, backend: await local({ root }) };
};

describe("links, pipes, sockets and devices", () => {
  it("are not found by any reading operation, nor as a source", async () => {
    const { backend, names } = await planted();
    for (const name of names.flatMap((one) => [one, `${one}/inner`])) {
      const path = at(name);
      expect(await codeOf(backend.stat(ctx(), path)), name).toBe("not-found");
      expect(await codeOf(backend.read(ctx(), path)), name).toBe("not-found");
      expect(await codeOf(backend.list(ctx(), path)), name).toBe("not-found");
      expect(await codeOf(backend.remove(ctx(), path, { recursive: true })), name).toBe(
        "not-found",
      );
      expect(await codeOf(backend.copy(ctx(), path, at("new"))), name).toBe("not-found");
      expect(await codeOf(backend.move(ctx(), path, at("new"))), name).toBe("not-found");
    }
  });

  it("are neither replaced nor written through", async () => {
    const { backend, names, root, other } = await planted();
    const was = await Promise.all(names.map((name) => lstat(join(root, name))));
    for (const name of names.flatMap((one) => [one, `${one}/inner`, `${one}/a/b`])) {
      const path = at(name);
      for (const mode of ["overwrite", "create", { ifMatch: "x" }] as const) {
        expect(await codeOf(backend.write(ctx(), path, textBody("new"), { mode })), name).toBe(
          "conflict",
        );
        expect(await codeOf(backend.copy(ctx(), at("real/inner"), path, { mode })), name).toBe(
          "conflict",
        );
        expect(await codeOf(backend.move(ctx(), at("real/inner"), path, { mode })), name).toBe(
          "conflict",
        );
      }
      expect(await codeOf(backend.mkdir(ctx(), path)), name).toBe("conflict");
      expect(await codeOf(backend.copy(ctx(), at("real"), path)), name).toBe("conflict");
      expect(await codeOf(backend.move(ctx(), at("real"), path)), name).toBe("conflict");
    }
    const now = await Promise.all(names.map((name) => lstat(join(root, name))));
    expect(now.map(({ ino, mtimeMs }) => [ino, mtimeMs])).toEqual(
      was.map(({ ino, mtimeMs }) => [ino, mtimeMs]),
    );
    expect(await tree(other)).toEqual({ dir: null, "dir/inner": "inner", secret: "secret" });
    expect(await leftovers(root)).toEqual([]);
  });

  it("are hidden from listings, left out of copies and counts, and go with their directory unfollowed", async () => {
    const { backend, root, other } = await planted();
    await symlink(other, join(root, "real", "link"));
    execFileSync("mkfifo", [join(root, "real", "fifo")]);
    expect((await backend.list(ctx(), at(""))).entries.map((entry) => entry.name)).toEqual([
      "real",
    ]);
    expect((await backend.list(ctx(), at("real"))).entries.map((entry) => entry.name)).toEqual([
      "inner",
    ]);
    expect(await backend.copy(ctx(), at("real"), at("copied"))).toEqual({ files: 1, bytes: 4 });
    expect(Object.keys(await tree(join(root, "copied")))).toEqual(["inner"]);
    expect(await codeOf(backend.remove(ctx(), at("real")))).toBe("not-empty");
    expect(await backend.remove(ctx(), at("real"), { recursive: true })).toEqual({
      files: 1,
      bytes: 4,
    });
    expect(await tree(other)).toEqual({ dir: null, "dir/inner": "inner", secret: "secret" });
  });

  it("are none of the directories above a file, however deep and whenever they came", async () => {
    const root = await scratch();
    const other = await outside();
    const backend = await local({ root });
    for (const depth of [2, 5]) {
      const names = Array.from({ length: depth }, (_, i) => `d${i}`);
      const [file, missing] = [at([...names, "inner"].join("/")), at([...names, "new"].join("/"))];
      for (const [i, name] of names.entries()) {
        await put(backend, file, "here");
        expect(await codeOf(backend.stat(ctx(), missing)), name).toBe("not-found");
        const place = join(root, ...names.slice(0, i + 1));
        // The same files, by another way: what lies outside, and what lies inside.
        for (const target of [join(other, "elsewhere"), join(root, "moved")]) {
          await rename(place, target);
          await symlink(target, place);
          expect(await codeOf(backend.read(ctx(), file)), name).toBe("not-found");
          expect(await codeOf(backend.write(ctx(), missing, textBody("new"))), name).toBe(
            "conflict",
          );
          await unlink(place);
          await rename(target, place);
        }
        expect(await get(backend, file)).toBe("here");
      }
    }
    expect(await leftovers(root)).toEqual([]);
  });

  it("keep a directory from counting as empty", async () => {
    const { backend, root } = await planted();
    await mkdir(join(root, "looks-empty"));
    await symlink("x", join(root, "looks-empty", "link"));
    expect(await codeOf(backend.remove(ctx(), at("looks-empty")))).toBe("not-empty");
  });
});

describe("names that no path spells", () => {
  it("are hidden, and go with their directory", async () => {
    const root = await scratch();
    const backend = await local({ root });
    await backend.mkdir(ctx(), at("d"));
    for (const name of [Buffer.from([0x66, 0xff]), Buffer.from("a\\b"), Buffer.from("a\nb")])
      await writeFile(Buffer.concat([Buffer.from(`${root}/d/`), name]), "x");
    await put(backend, "d/seen", "x");
    expect((await backend.list(ctx(), at("d"))).entries.map((entry) => entry.name)).toEqual([
      "seen",
    ]);
    expect(await backend.remove(ctx(), at("d"), { recursive: true })).toEqual({
      files: 1,
      bytes: 1,
    });
    expect(await tree(root)).toEqual({});
    expect(await leftovers(root)).toEqual([]);
  });
});

describe("the storage's own directory", () => {
  it("is private, not listed, not counted, and not taken by emptying the root", async () => {
    const root = await scratch();
    const backend = await local({ root });
    expect((await lstat(join(root, ".bulkhead"))).mode & 0o777).toBe(0o700);
    await put(backend, "a", "abc");
    await put(backend, "d/.bulkhead/x", "not ours");
    expect((await backend.list(ctx(), at(""))).entries.map((entry) => entry.name)).toEqual([
      "a",
      "d",
    ]);
    expect((await backend.list(ctx(), at("d"))).entries.map((entry) => entry.name)).toEqual([
      ".bulkhead",
    ]);
    expect(await backend.remove(ctx(), at(""), { recursive: true })).toEqual({
      files: 2,
      bytes: 11,
    });
    expect(await backend.remove(ctx(), at(""))).toEqual({ files: 0, bytes: 0 });
    await backend.probe(ctx());
  });

  it("is made private again, and refused where it is a link", async () => {
    const root = await scratch();
    await local({ root });
    await chmod(join(root, ".bulkhead"), 0o755);
    await local({ root });
    expect((await lstat(join(root, ".bulkhead"))).mode & 0o777).toBe(0o700);
    const linked = await scratch();
    await symlink(join(root, ".bulkhead"), join(linked, ".bulkhead"));
    expect(await codeOf(local({ root: linked }))).toBe("unavailable");
  });

  it("lies beside a root that is a link itself", async () => {
    const root = await scratch();
    const beside = join(await scratch(), "link");
    await symlink(root, beside);
    const backend = await local({ root: beside });
    await put(backend, "a", "abc");
    expect(await readFile(join(root, "a"), "utf8")).toBe("abc");
    expect(await get(backend, "a")).toBe("abc");
  });
});

describe("two names of one file", () => {
  it("become one when the one is moved onto the other", async () => {
    const root = await scratch();
    const backend = await local({ root });
    await put(backend, "a", "abc");
    await link(join(root, "a"), join(root, "b"));
    expect(await backend.move(ctx(), at("a"), at("b"), { mode: "overwrite" })).toEqual({
      replaced: { size: 3 },
    });
    expect(await tree(root)).toEqual({ b: "abc" });
  });
});
