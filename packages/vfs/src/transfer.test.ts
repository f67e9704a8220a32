import { memory } from "@bulkhead/backend-memory";
import {
  type AuditDraft,
  type Backend,
  type Context,
  FileError,
  isFileError,
  type OpContext,
  parseVirtualPath,
  type Staged,
  type Tree,
  type VirtualPath,
} from "@bulkhead/contract";
import { collect, overrideBackend, plainContext, textBody, walk } from "@bulkhead/kit";
import { describe, expect, it } from "vitest";
import { MountTable } from "./mount-table.ts";
import { transferDirectory } from "./transfer-directory.ts";
import type { Transfer } from "./tree-options.ts";
import { tree } from "./tree.ts";

const at = (raw: string): VirtualPath => parseVirtualPath(raw);
const asking = (more: Partial<Context> = {}): Context => ({
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
  ...more,
});
const ctx = asking();

const over = (a: Backend, b: Backend, transfer?: Transfer): Tree => {
  const table = MountTable.of([
    { id: "a", path: at("/a"), backend: a },
    { id: "b", path: at("/b"), backend: b },
  ]);
  return tree(() => table, transfer && { transfer });
};
const put = (whole: Tree, raw: string, content: string) =>
  whole.write(ctx, at(raw), textBody(content));
const code = async (call: Promise<unknown>): Promise<unknown> => {
  try {
    return await call;
  } catch (error) {
    return isFileError(error) ? error.code : error;
  }
};
/** Everything below both mounts: paths and contents. */
const contents = async (whole: Tree): Promise<Record<string, string>> => {
  const all: Record<string, string> = {};
  for await (const entry of walk(whole, ctx, at("/"))) {
    const path = `/${entry.path.join("/")}`;
    if (entry.path.length < 2) continue;
    if (entry.kind === "directory") {
      all[`${path}/`] = "";
      continue;
    }
    await using result = await whole.read(ctx, at(path));
    all[path] = new TextDecoder().decode(await collect(result.content));
  }
  return all;
};
const audit: AuditDraft = {
  actor: "",
  key: "",
  action: "",
  resource: "",
  requestId: "",
  front: "",
  detail: {},
};
/** Notes for each commit whether it is the audited one. */
const audited = (): {
  readonly ctx: Context;
  readonly of: (backend: Backend) => Backend;
  readonly log: boolean[];
} => {
  const log: boolean[] = [];
  const asked = asking({ settlement: { ...ctx.settlement, audit } });
  const noting = (op: OpContext): OpContext => ({
    ...op,
    commit: (staged: Staged) => {
      log.push(op.settlement.audit !== undefined);
      return op.commit(staged);
    },
  });
  const of = (backend: Backend): Backend =>
    overrideBackend(backend, {
      write: (op, ...rest) => backend.write(noting(op), ...rest),
      mkdir: (op, ...rest) => backend.mkdir(noting(op), ...rest),
      remove: (op, ...rest) => backend.remove(noting(op), ...rest),
    });
  return { ctx: asked, of, log };
};

describe("a file between mounts", () => {
  it("is copied and moved with what it is", async () => {
    const whole = over(memory(), memory());
    await whole.write(ctx, at("/a/f"), textBody("one"), {
      contentType: "text/x",
      metadata: { k: "v" },
    });
    expect(await whole.copy(ctx, at("/a/f"), at("/b/d/f"))).toMatchObject({
      size: 3,
      created: true,
    });
    expect(await whole.stat(ctx, at("/b/d/f"))).toMatchObject({
      contentType: "text/x",
      metadata: { k: "v" },
    });
    expect(await code(whole.move(ctx, at("/a/f"), at("/b/d/f")))).toBe("already-exists");
    expect(await whole.move(ctx, at("/a/f"), at("/b/d/f"), { mode: "overwrite" })).toEqual({
      replaced: { size: 3 },
    });
    expect(await contents(whole)).toEqual({ "/b/d/": "", "/b/d/f": "one" });
  });

  it("is audited once, at the end", async () => {
    const { ctx: asked, of, log } = audited();
    const whole = over(of(memory()), of(memory()));
    await put(whole, "/a/f", "1");
    log.length = 0;
    await whole.copy(asked, at("/a/f"), at("/b/g"));
    expect(log).toEqual([true]);
    await whole.move(asked, at("/a/f"), at("/b/f"));
    expect(log).toEqual([true, false, true]);
  });

  it("stays, and the copy goes, when a writer comes between", async () => {
    const [a, b] = [memory(), memory()];
    const racing = overrideBackend(b, {
      write: async (...args) => {
        const result = await b.write(...args);
        await put(over(a, b), "/a/f", "newer");
        return result;
      },
    });
    const whole = over(a, racing);
    await put(whole, "/a/f", "old");
    expect(await code(whole.move(ctx, at("/a/f"), at("/b/f")))).toBe("precondition-failed");
    expect(await contents(whole)).toEqual({ "/a/f": "newer" });
  });

  it("keeps a copy that another writer has replaced", async () => {
    const [a, b] = [memory(), memory()];
    const racing = overrideBackend(b, {
      write: async (op, path, ...rest) => {
        const result = await b.write(op, path, ...rest);
        await b.write(op, path, textBody("theirs"));
        return result;
      },
    });
    const whole = over(a, racing);
    await put(whole, "/a/f", "mine");
    expect(await code(whole.move(ctx, at("/a/f"), at("/b/f")))).toBe("conflict");
    expect(await contents(whole)).toEqual({ "/a/f": "mine", "/b/f": "theirs" });
    expect(await whole.copy(ctx, at("/a/f"), at("/b/g"))).toMatchObject({ size: 4 });
  });

  it("is refused and taken away where the copy reads back otherwise", async () => {
    const b = memory();
    const flipping = overrideBackend(b, {
      read: async (...args) => {
        const result = await b.read(...args);
        const content = (await collect(result.content)).slice();
        content[0] = (content[0] ?? 0) ^ 1;
        return { ...result, content, [Symbol.asyncDispose]: () => result[Symbol.asyncDispose]() };
      },
    });
    const whole = over(memory(), flipping);
    await put(whole, "/a/f", "abc");
    expect(await code(whole.copy(ctx, at("/a/f"), at("/b/f")))).toBe("unavailable");
    expect(await code(whole.move(ctx, at("/a/f"), at("/b/f")))).toBe("unavailable");
    expect(await contents(whole)).toEqual({ "/a/f": "abc" });
  });

  it("is whole at one end at least, whichever call fails, before its effect or after", async () => {
    for (const after of [false, true])
      for (let nth = 1; nth <= 6; nth++) {
        let calls = 0;
        const failing = (backend: Backend): Backend => {
          const trip = async <R>(run: () => Promise<R>): Promise<R> => {
            calls += 1;
            const fails = calls === nth;
            if (fails && !after) throw new FileError("unavailable", "lost before");
            const answer = await run();
            if (fails)
              throw new FileError("not-found", "the answer was lost and the call repeated");
            return answer;
          };
          return overrideBackend(backend, {
            stat: (...args) => trip(() => backend.stat(...args)),
            read: (...args) => trip(() => backend.read(...args)),
            write: (...args) => trip(() => backend.write(...args)),
            remove: (...args) => trip(() => backend.remove(...args)),
          });
        };
        const [a, b] = [memory(), memory()];
        const plain = over(a, b);
        await put(plain, "/a/f", "content");
        const outcome = await code(over(failing(a), failing(b)).move(ctx, at("/a/f"), at("/b/f")));
        const left = await contents(plain);
        const holders = ["/a/f", "/b/f"].filter((path) => left[path] === "content");
        expect(holders.length, `${after} ${nth} ${String(outcome)}`).toBeGreaterThan(0);
        expect(Object.keys(left).every((path) => left[path] === "content")).toBe(true);
        if (typeof outcome !== "string") expect(left).toEqual({ "/b/f": "content" });
      }
  });

  it("changes nothing where the commit is refused", async () => {
    const whole = over(memory(), memory());
    await put(whole, "/a/d/f", "1");
    const refusing = asking({
      commit: () => Promise.reject(new FileError("forbidden", "no longer")),
    });
    for (const path of ["d/f", "d"])
      for (const operation of ["copy", "move"] as const)
        expect(await code(whole[operation](refusing, at(`/a/${path}`), at(`/b/x/${path}`)))).toBe(
          "forbidden",
        );
    expect(await contents(whole)).toEqual({ "/a/d/": "", "/a/d/f": "1" });
  });
});

describe("a directory between mounts", () => {
  const planted = async (whole: Tree): Promise<void> => {
    await put(whole, "/a/d/f", "1");
    await put(whole, "/a/d/s/g", "22");
    await whole.mkdir(ctx, at("/a/d/empty"));
  };
  const moved = {
    "/b/x/": "",
    "/b/x/d/": "",
    "/b/x/d/empty/": "",
    "/b/x/d/f": "1",
    "/b/x/d/s/": "",
    "/b/x/d/s/g": "22",
  };

  it("becomes a job where there are jobs", async () => {
    const asked: unknown[] = [];
    const whole = over(memory(), memory(), (_, ...rest) => {
      asked.push(rest);
      return Promise.resolve({ job: "j" });
    });
    await planted(whole);
    expect(await whole.move(ctx, at("/a/d"), at("/b/x"))).toEqual({ job: "j" });
    expect(await code(whole.copy(ctx, at("/a/d"), at("/b")))).toBe("already-exists");
    expect(await code(whole.copy(ctx, at("/a/none"), at("/b/x")))).toBe("not-found");
    expect(asked).toEqual([["move", "/a/d", "/b/x", {}]]);
  });

  it("is copied and moved entry by entry, audited once", async () => {
    const { ctx: asked, of, log } = audited();
    const whole = over(of(memory()), of(memory()));
    await planted(whole);
    log.length = 0;
    expect(await whole.copy(asked, at("/a/d"), at("/b/x/d"))).toEqual({ files: 2, bytes: 3 });
    expect(log.filter(Boolean)).toHaveLength(1);
    expect(log.at(-1)).toBe(true);
    expect(await contents(whole)).toEqual({
      ...moved,
      "/a/d/": "",
      "/a/d/empty/": "",
      "/a/d/f": "1",
      "/a/d/s/": "",
      "/a/d/s/g": "22",
    });
    await whole.remove(ctx, at("/b/x"), { recursive: true });
    log.length = 0;
    expect(await whole.move(asked, at("/a/d"), at("/b/x/d"))).toEqual({});
    expect(log.filter(Boolean)).toHaveLength(1);
    expect(log.at(-1)).toBe(true);
    expect(await contents(whole)).toEqual(moved);
  });

  it("goes on after a fault at any call, losing nothing", async () => {
    for (const operation of ["copy", "move"] as const)
      for (let nth = 1; nth < 60; nth += 1) {
        const [a, b] = [memory(), memory()];
        const plain = over(a, b);
        await planted(plain);
        let calls = 0;
        const failing = (backend: Backend): Backend => {
          const trip = async <R>(run: () => Promise<R>): Promise<R> => {
            calls += 1;
            if (calls !== nth) return run();
            if (nth % 2 === 0) await run();
            throw new FileError("unavailable", "lost");
          };
          return overrideBackend(backend, {
            read: (...args) => trip(() => backend.read(...args)),
            write: (...args) => trip(() => backend.write(...args)),
            list: (...args) => trip(() => backend.list(...args)),
            mkdir: (...args) => trip(() => backend.mkdir(...args)),
            remove: (...args) => trip(() => backend.remove(...args)),
          });
        };
        await code(
          transferDirectory(over(failing(a), failing(b)), ctx, operation, at("/a/d"), at("/b/x/d")),
        );
        const between = Object.values(await contents(plain));
        expect(between).toContain("1");
        expect(between).toContain("22");
        await code(transferDirectory(plain, ctx, operation, at("/a/d"), at("/b/x/d")));
        const left = Object.entries(await contents(plain)).filter(
          ([path]) => operation === "move" || path.startsWith("/b"),
        );
        expect(Object.fromEntries(left), `${operation} ${nth}`).toEqual(moved);
      }
  });

  it("does not overwrite what is in the way, and takes along what is added meanwhile", async () => {
    const [a, b] = [memory(), memory()];
    const whole = over(a, b);
    await planted(whole);
    await put(whole, "/b/x/d/f", "other");
    expect(await code(transferDirectory(whole, ctx, "move", at("/a/d"), at("/b/x/d")))).toBe(
      "already-exists",
    );
    expect(await contents(whole)).toMatchObject({ "/a/d/f": "1", "/b/x/d/f": "other" });
    await whole.remove(ctx, at("/b/x"), { recursive: true });
    let added = false;
    const adding = overrideBackend(a, {
      remove: async (...args) => {
        if (!added) await put(whole, "/a/d/late", "333");
        added = true;
        return a.remove(...args);
      },
    });
    await over(adding, b).move(ctx, at("/a/d"), at("/b/x/d"));
    expect(await contents(whole)).toEqual({ ...moved, "/b/x/d/late": "333" });
  });

  it("is not removed from under a writer", async () => {
    const [a, b] = [memory(), memory()];
    const whole = over(a, b);
    await planted(whole);
    let added = 0;
    const adding = (times: number): Backend =>
      overrideBackend(a, {
        remove: async (op, path, ...rest) => {
          if (path === "d/empty" && added < times)
            await put(whole, `/a/d/empty/late${(added += 1)}`, "4");
          return a.remove(op, path, ...rest);
        },
      });
    expect(await code(over(adding(100), b).move(ctx, at("/a/d"), at("/b/x/d")))).toBe("conflict");
    expect(await contents(whole)).toMatchObject({ "/a/d/empty/": "", "/b/x/d/empty/late1": "4" });
    added = 0;
    await transferDirectory(over(adding(1), b), ctx, "move", at("/a/d"), at("/b/x/d"));
    expect(Object.keys(await contents(whole)).filter((path) => path.startsWith("/a"))).toEqual([]);
  });

  it("is refused before anything is copied below a file", async () => {
    const whole = over(memory(), memory());
    await planted(whole);
    await put(whole, "/b/f", "file");
    for (const mode of ["create", "overwrite", { ifMatch: "e" }] as const)
      for (const operation of ["copy", "move"] as const)
        expect(await code(whole[operation](ctx, at("/a/d"), at("/b/f/x/d"), { mode }))).toBe(
          "not-directory",
        );
  });
});
