import {
  FileError,
  type OpContext,
  parseRequestPath,
  type RequestPath,
  type Stat,
  type Store,
  type WriteOptions,
} from "@bulkhead/contract";
import fc from "fast-check";
import { beforeEach, describe, expect, it } from "vitest";
import { append, appendLimit } from "./append.ts";
import { bytesBody, collect, streamBody, textBody } from "./body.ts";
import { contentTypeOf } from "./content-type.ts";
import { du } from "./du.ts";
import { glob } from "./glob.ts";
import { grep, type GrepOptions } from "./grep.ts";
import { listRecursive } from "./list-recursive.ts";
import { makeDirectory } from "./make-directory.ts";
import { compareEntries, compareUtf8 } from "./order.ts";
import { pageOf } from "./page.ts";
import { plainContext } from "./plain-context.ts";
import { walk, walkKey } from "./walk.ts";

const at = (raw: string): RequestPath => parseRequestPath(raw);
const ctx = plainContext();

/** The least store that these functions need: a map from path to bytes, undefined for a directory. */
let files: Map<string, Uint8Array | undefined>;
let types: Map<string, WriteOptions>;
let calls: string[];
let etags = 0;
const etagOf = new Map<Uint8Array, string>();
const missing = (): never => {
  throw new FileError("not-found", "Nothing is here.");
};
const statOf = (path: string): Stat => {
  if (!files.has(path) && path !== "/") return missing();
  const content = files.get(path);
  const name = path.slice(path.lastIndexOf("/") + 1);
  if (content === undefined) return { name, kind: "directory", size: 0, modifiedAt: 0 };
  const { contentType, metadata } = types.get(path) ?? {};
  const etag = etagOf.get(content) ?? "";
  return {
    name,
    kind: "file",
    size: content.length,
    modifiedAt: 1,
    etag,
    ...(contentType && { contentType }),
    ...(metadata && { metadata }),
  };
};
const above = (path: string): string => path.slice(0, path.lastIndexOf("/")) || "/";
const make = (path: string): void => {
  if (path === "/" || files.has(path)) return;
  make(above(path));
  files.set(path, undefined);
};
const unused = (): never => {
  throw new Error("not used here");
};
const store: Store<RequestPath, OpContext> = {
  stat: async (_, path) => {
    calls.push(`stat ${path}`);
    return statOf(path);
  },
  read: async (_, path) => {
    const stat = statOf(path);
    const content = files.get(path);
    if (content === undefined) throw new FileError("is-directory", "A directory.");
    const pieces = async function* (): AsyncGenerator<Uint8Array> {
      for (let i = 0; i < content.length; i += 5) yield content.subarray(i, i + 5);
    };
    return { stat, content: pieces(), [Symbol.asyncDispose]: () => Promise.resolve() };
  },
  write: async (_, path, body, options) => {
    const content = (await collect(body.open())).slice();
    const old = files.get(path);
    const mode = options?.mode ?? "overwrite";
    if (mode === "create" && files.has(path)) throw new FileError("already-exists", "There.");
    if (typeof mode === "object" && (old === undefined || etagOf.get(old) !== mode.ifMatch))
      throw new FileError("precondition-failed", "Changed.");
    make(above(path));
    files.set(path, content);
    types.set(path, options ?? {});
    etagOf.set(content, `e${++etags}`);
    return { etag: `e${etags}`, size: content.length, created: old === undefined };
  },
  list: async (_, path, options) => {
    calls.push(`list ${path}`);
    if (statOf(path).kind === "file") throw new FileError("not-directory", "A file.");
    const inside = [...files.keys()].filter((key) => above(key) === path).map(statOf);
    return pageOf(inside.sort(compareEntries), options);
  },
  mkdir: async (_, path) => {
    if (files.has(path) || path === "/") throw new FileError("already-exists", "There.");
    if (above(path) !== "/" && !files.has(above(path))) return missing();
    files.set(path, undefined);
  },
  remove: unused,
  copy: unused,
  move: unused,
};

const plant = async (shape: Record<string, string>): Promise<void> => {
  for (const [path, content] of Object.entries(shape))
    if (path.endsWith("/")) make(path.slice(0, -1));
    else await store.write(ctx, at(path), textBody(content));
};
const content = (path: string): string => new TextDecoder().decode(files.get(path));
const all = async <T>(items: AsyncIterable<T>): Promise<T[]> => {
  const found: T[] = [];
  for await (const item of items) found.push(item);
  return found;
};

beforeEach(() => {
  files = new Map();
  types = new Map();
  calls = [];
});

describe("walk and listRecursive", () => {
  const name = fc.constantFrom("a", "a.", "a-b", "b", "é", "\ue000", "😀");
  const tree = fc.uniqueArray(
    fc.array(name, { minLength: 1, maxLength: 4 }).map((names) => `/${names.join("/")}/`),
    { maxLength: 12 },
  );

  it("go depth first in the order of listings, and page by page over the same", async () => {
    await fc.assert(
      fc.asyncProperty(tree, fc.integer({ min: 1, max: 7 }), async (paths, limit) => {
        files = new Map();
        for (const [i, path] of paths.entries())
          if (i % 2 === 0 || paths.some((other) => other !== path && other.startsWith(path)))
            make(path.slice(0, -1));
          else await plant({ [path.slice(0, -1)]: "x" });
        const walked = (await all(walk(store, ctx, at("/")))).map(walkKey);
        const expected = [...files.keys()].map(
          (key) => key.slice(1) + (files.get(key) === undefined ? "/" : ""),
        );
        expect(walked).toEqual(expected.sort(compareUtf8));
        const paged: string[] = [];
        for (let after: string | undefined, more = true; more; more = after !== undefined) {
          const page = await listRecursive(store, ctx, at("/"), { limit, after });
          paged.push(...page.entries.map(walkKey));
          expect(page.next === undefined || page.entries.length === limit).toBe(true);
          after = page.next;
        }
        expect(paged).toEqual(walked);
      }),
    );
  });

  it("give what stays exactly once while other things come and go", async () => {
    await plant({ "/a/1": "", "/b/c/2": "", "/b/c/3": "", "/d": "" });
    const page = await listRecursive(store, ctx, at("/"), { limit: 5 });
    expect(page.next).toBe("b/c/2");
    files.delete("/b/c/2");
    await plant({ "/a/0": "", "/b/c/2x": "" });
    const rest = await listRecursive(store, ctx, at("/"), { after: page.next });
    expect(rest.entries.map((entry) => entry.path.join("/"))).toEqual(["b/c/2x", "b/c/3", "d"]);
    for (const path of ["/b/c/2x", "/b/c/3", "/b/c"]) files.delete(path);
    expect(
      (await listRecursive(store, ctx, at("/"), { after: "b/c/2" })).entries.map(walkKey),
    ).toEqual(["d"]);
  });

  it("ask for no more than a page and the way to it", async () => {
    await plant({ "/a/b/c/d": "", "/e/f/g": "", "/h/i": "" });
    calls = [];
    await listRecursive(store, ctx, at("/"), { after: "a/b/c/d", limit: 1 });
    expect(calls.length).toBeLessThanOrEqual(6);
    expect(calls).not.toContain("list /h");
  });

  it("refuse what is no position and no limit, and tell what is missing", async () => {
    const refused = { code: "invalid-request" };
    for (const after of ["", "/a", "../x", "a/../b", "a//b"])
      await expect(listRecursive(store, ctx, at("/"), { after }), after).rejects.toMatchObject(
        refused,
      );
    for (const limit of [0, 1001, 0.5])
      await expect(listRecursive(store, ctx, at("/"), { limit })).rejects.toMatchObject(refused);
    await expect(listRecursive(store, ctx, at("/none"))).rejects.toMatchObject({
      code: "not-found",
    });
  });
});

describe("glob", () => {
  it("looks only into directories that can hold a match", async () => {
    await plant({
      "/src/a/x.ts": "",
      "/src/b/y.ts": "",
      "/src/b/y.js": "",
      "/doc/x.ts": "",
      "/src/.z.ts": "",
    });
    const found = async (pattern: string): Promise<string[]> => {
      calls = [];
      return (await all(glob(store, ctx, at("/"), pattern))).map((entry) => entry.path.join("/"));
    };
    expect(await found("src/*/*.ts")).toEqual(["src/a/x.ts", "src/b/y.ts"]);
    expect(calls).not.toContain("list /doc");
    expect(calls).not.toContain("list /");
    expect(await found("src/**/*.ts")).toEqual(["src/.z.ts", "src/a/x.ts", "src/b/y.ts"]);
    expect(await found("**/x.ts")).toEqual(["doc/x.ts", "src/a/x.ts"]);
    expect(await found("{src/b,doc,none}")).toEqual(["doc", "src/b"]);
    expect(calls.filter((call) => call.startsWith("list"))).toEqual([]);
    expect(await found("src/a/x.ts/y")).toEqual([]);
    await expect(found("[")).rejects.toMatchObject({ code: "invalid-request" });
    await expect(all(glob(store, ctx, at("/none"), "*"))).rejects.toMatchObject({
      code: "not-found",
    });
    await expect(all(glob(store, ctx, at("/doc/x.ts"), "*"))).rejects.toMatchObject({
      code: "not-directory",
    });
  });
});

describe("grep", () => {
  const search = async (base: string, options: GrepOptions, context = ctx): Promise<string[]> =>
    (await all(grep(store, context, at(base), options))).map(
      ({ path, line, text }) => `${path.join("/")}:${line}:${text}`,
    );

  it("finds lines across chunks, whatever ends them", async () => {
    await plant({
      "/a": "one\ntwo three\r\n\nthree",
      "/d/b.md": "THREE\n",
      "/d/e": "three\u0000",
      "/d/n": "\n\nthree\n",
    });
    expect(await search("/", { pattern: "three" })).toEqual([
      "a:2:two three",
      "a:4:three",
      "d/n:3:three",
    ]);
    expect(await search("/", { pattern: "three", ignoreCase: true, include: "*.md" })).toEqual([
      "d/b.md:1:THREE",
    ]);
    expect(await search("/", { pattern: "^$" })).toEqual(["a:3:", "d/n:1:", "d/n:2:"]);
    expect(await search("/", { pattern: "e", include: "d/*", limit: 1 })).toEqual(["d/n:3:three"]);
    expect(await search("/", { pattern: "e", limit: 2 })).toHaveLength(2);
    expect(await search("/a", { pattern: "one$" })).toEqual([":1:one"]);
  });

  it("passes over a binary file whose NUL comes after a match, and reads on past 8 KiB", async () => {
    await plant({ "/a": `hit\n${"x".repeat(8000)}\u0000`, "/b": `${"x\n".repeat(5000)}hit\u0000` });
    expect(await search("/", { pattern: "hit" })).toEqual(["b:5001:hit\u0000"]);
  });

  it("bounds lines, patterns and time", async () => {
    await plant({ "/a": `${"y".repeat(3000)}${"z".repeat(10_000)}end\nend` });
    expect(await search("/a", { pattern: "end" })).toEqual([":2:end"]);
    expect((await search("/a", { pattern: "yz" }))[0]).toHaveLength(1024 + 3);
    for (const pattern of ["(", "(?=a)", "a".repeat(1025), "(?:[a-z]?){600}", "\\1"])
      await expect(search("/a", { pattern }), pattern).rejects.toMatchObject({
        code: "invalid-request",
      });
    await expect(search("/", { pattern: "a", include: "[" })).rejects.toMatchObject({
      code: "invalid-request",
    });
    expect(await search("/a", { pattern: "(y+)+$" })).toEqual([]);
    await expect(
      search("/a", { pattern: "y" }, plainContext({ signal: AbortSignal.abort() })),
    ).rejects.toMatchObject({ code: "aborted" });
    const late = AbortSignal.abort(new DOMException("late", "TimeoutError"));
    await expect(
      search("/a", { pattern: "y" }, plainContext({ signal: late })),
    ).rejects.toMatchObject({ code: "timeout" });
  });

  it("lets others run", async () => {
    await plant({ "/a": "ab\n".repeat(60_000) });
    let ticks = 0;
    const timer = setInterval(() => (ticks += 1), 1);
    await search("/a", { pattern: "c" });
    clearInterval(timer);
    expect(ticks).toBeGreaterThan(2);
  });
});

describe("append", () => {
  it("makes the file and its parents, then grows it and keeps what it is", async () => {
    expect(
      await append(store, ctx, at("/d/log"), streamBody(textBody("a").open()), {
        contentType: "text/x",
      }),
    ).toMatchObject({ size: 1, created: true });
    expect(
      await append(store, ctx, at("/d/log"), textBody("bc"), { contentType: "other/y" }),
    ).toMatchObject({ size: 3, created: false });
    expect([content("/d/log"), types.get("/d/log")?.contentType]).toEqual(["abc", "text/x"]);
    await store.write(ctx, at("/m"), textBody("1"), { metadata: { k: "v" } });
    await append(store, ctx, at("/m"), textBody("2"));
    expect(types.get("/m")?.metadata).toEqual({ k: "v" });
    await expect(append(store, ctx, at("/d"), textBody("x"))).rejects.toMatchObject({
      code: "is-directory",
    });
  });

  it("loses none of many at once", async () => {
    const letters = "abcdefghijklmnop".split("");
    const slow = {
      ...store,
      read: async (...args: Parameters<typeof store.read>) => {
        const result = await store.read(...args);
        await new Promise((resume) => setTimeout(resume, 2));
        return result;
      },
    };
    await Promise.all(
      letters.map((letter) => append(slow, ctx, at("/log"), streamBody(textBody(letter).open()))),
    );
    expect(content("/log").split("").sort()).toEqual(letters);
  });

  it("is bounded by the result", async () => {
    await plant({ "/f": "1234" });
    expect(await append(store, ctx, at("/f"), textBody("5"), { limit: 5 })).toMatchObject({
      size: 5,
    });
    for (const added of ["6", "123456"])
      await expect(
        append(store, ctx, at("/f"), textBody(added), { limit: 5 }),
      ).rejects.toMatchObject({ code: "too-large" });
    await expect(
      append(store, ctx, at("/g"), bytesBody(new Uint8Array(appendLimit + 1))),
    ).rejects.toMatchObject({ code: "too-large" });
    expect(content("/f")).toBe("12345");
  });

  it("gives up where others always come first, and on other faults at once", async () => {
    await plant({ "/f": "1" });
    let writes = 0;
    const busy = (code: "precondition-failed" | "forbidden") => ({
      ...store,
      write: () => {
        writes += 1;
        return Promise.reject(new FileError(code, "no"));
      },
    });
    await expect(
      append(busy("precondition-failed"), ctx, at("/f"), textBody("2")),
    ).rejects.toMatchObject({ code: "conflict" });
    expect(writes).toBeGreaterThan(8);
    writes = 0;
    await expect(append(busy("forbidden"), ctx, at("/f"), textBody("2"))).rejects.toMatchObject({
      code: "forbidden",
    });
    expect(writes).toBe(1);
  });
});

describe("du, makeDirectory, contentTypeOf", () => {
  it("uses an Idempotency-Key up with the directory that was asked for, not with one above", async () => {
    const used: string[] = [];
    const noting: typeof store = {
      ...store,
      mkdir: async (c, path) => {
        await store.mkdir(c, path);
        if (c.settlement.idempotency !== undefined) used.push(path);
      },
    };
    const keyed = { ...ctx, settlement: { ...ctx.settlement, idempotency: "once" } };
    await makeDirectory(noting, keyed, at("/k/l/m"), { parents: true });
    expect(used).toEqual(["/k/l/m"]);
  });

  it("count", async () => {
    await plant({ "/d/a": "12", "/d/e/b": "345", "/d/e/f/": "", "/x": "9" });
    expect(await du(store, ctx, at("/d"))).toEqual({ files: 2, directories: 2, bytes: 5 });
    expect(await du(store, ctx, at("/x"))).toEqual({ files: 1, directories: 0, bytes: 1 });
    await expect(du(store, ctx, at("/none"))).rejects.toMatchObject({ code: "not-found" });
  });

  it("make what the options allow", async () => {
    await expect(makeDirectory(store, ctx, at("/a/b/c"))).rejects.toMatchObject({
      code: "not-found",
    });
    await makeDirectory(store, ctx, at("/a/b/c"), { parents: true });
    expect([...files.keys()]).toEqual(["/a", "/a/b", "/a/b/c"]);
    await expect(makeDirectory(store, ctx, at("/a/b/c"), { parents: true })).rejects.toMatchObject({
      code: "already-exists",
    });
    await makeDirectory(store, ctx, at("/a/b/c"), { existOk: true });
    await expect(makeDirectory(store, ctx, at("/z/y"), { existOk: true })).rejects.toMatchObject({
      code: "not-found",
    });
    await plant({ "/f": "" });
    await expect(makeDirectory(store, ctx, at("/f"), { existOk: true })).rejects.toMatchObject({
      code: "already-exists",
    });
  });

  it("derive a type from the ending alone", () => {
    expect(
      ["a.txt", "a.tar.gz", "A.JSON", "json", ".json", "a", "a.unknown-ending"].map(contentTypeOf),
    ).toEqual([
      "text/plain",
      "application/gzip",
      "application/json",
      ...Array.from({ length: 4 }, () => "application/octet-stream"),
    ]);
  });
});
