import type { Interrupted } from "@bulkhead/contract";
import { query } from "@bulkhead/harness";
import { beforeEach, describe, expect, it, onTestFinished } from "vitest";
import { postgres, type PostgresOptions } from "./postgres.ts";
import { emptied, sharedDatabase } from "./test/shared-database.ts";
import { at, codeOf, ctx, pattern, put, tree } from "./test/tools.ts";

let url: string;
beforeEach(async () => {
  url = await emptied(await sharedDatabase());
});

const open = (options: Partial<PostgresOptions> = {}) => {
  const backend = postgres({ url, ...options });
  onTestFinished(() => backend.close());
  return backend;
};

const interrupted = (staged: string): Interrupted => ({
  operation: "write",
  paths: [at("f")],
  staged,
});

describe("the rows of effects", () => {
  it("say of every change what it added and took, under the id its commit was asked with", async () => {
    const backend = open();
    const asked: string[] = [];
    const context = ctx(async ({ id }) => void asked.push(id));
    await put(backend, "d/f", "12345", context);
    await put(backend, "d/f", "123", context);
    await backend.mkdir(context, at("e"));
    await backend.copy(context, at("d/f"), at("g"));
    await put(backend, "d/h", "1234567", context);
    await backend.copy(context, at("d"), at("dd"));
    await backend.copy(context, at("d/h"), at("g"), { mode: "overwrite" });
    await backend.move(context, at("g"), at("d/f"), { mode: "overwrite" });
    await backend.move(context, at("dd"), at("e/dd"));
    await backend.remove(context, at("d/h"));
    const all = await backend.effects.pending(ctx());
    expect(all.map(({ operation, files, bytes }) => [operation, files, bytes])).toEqual([
      ["write", 1, 5],
      ["write", 0, -2],
      ["mkdir", 0, 0],
      ["copy", 1, 3],
      ["write", 1, 7],
      ["copy", 2, 10],
      ["copy", 0, 4],
      ["move", -1, -3],
      ["move", 0, 0],
      ["remove", -1, -7],
    ]);
    expect(all.map(({ staged }) => staged)).toEqual(asked);
    expect(all.at(-4)?.etag).toBe((await backend.stat(ctx(), at("d/f"))).etag);
    const stored = Object.values(await tree(backend)).filter((text) => text !== null);
    expect(all.reduce((sum, one) => sum + one.files, 0)).toBe(stored.length);
    expect(all.reduce((sum, one) => sum + one.bytes, 0)).toBe(stored.join("").length);
    await backend.remove(ctx(), at(""), { recursive: true });
    const [last] = (await backend.effects.pending(ctx())).slice(-1);
    expect([last?.files, last?.bytes]).toEqual([-stored.length, -stored.join("").length]);
  });

  it("are forgotten once settled, and only those", async () => {
    const backend = open();
    for (const name of ["a", "b", "c"]) await put(backend, name, name);
    const all = await backend.effects.pending(ctx());
    expect(await backend.effects.pending(ctx(), 2)).toEqual(all.slice(0, 2));
    await backend.effects.settled(ctx(), [all[0]?.staged ?? "", all[2]?.staged ?? ""]);
    await backend.effects.settled(ctx(), [all[0]?.staged ?? ""]);
    await backend.effects.settled(ctx(), []);
    expect(await backend.effects.pending(ctx())).toEqual([all[1]]);
  });

  it("stay when a mount is swept, until they are old", async () => {
    await put(open(), "f", "x");
    await open().sweep(ctx());
    expect(await open().effects.pending(ctx())).toHaveLength(1);
    await open({ effectKeepMs: 0 }).sweep(ctx());
    expect(await open().effects.pending(ctx())).toHaveLength(0);
  });

  it("are not left by what was refused", async () => {
    const backend = open();
    await put(backend, "f", "x");
    await codeOf(backend.mkdir(ctx(), at("f")));
    await codeOf(backend.remove(ctx(), at("missing")));
    await codeOf(
      put(
        backend,
        "f",
        "y",
        ctx(() => Promise.reject(new Error("no"))),
      ),
    );
    expect(await backend.effects.pending(ctx())).toHaveLength(1);
  });
});

describe("recovery", () => {
  it("says what happened, as often as it is asked", async () => {
    const backend = open();
    const ids: string[] = [];
    const context = ctx(async ({ id }) => void ids.push(id));
    await put(backend, "f", "one", context);
    await put(backend, "f", "two", context);
    for (const staged of [...ids, ...ids])
      expect(await backend.recover(ctx(), interrupted(staged))).toBe("done");
    const never = "00000000-0000-4000-8000-000000000000";
    expect(await backend.recover(ctx(), interrupted(never))).toBe("undone");
    expect(await backend.recover(ctx(), interrupted(never))).toBe("undone");
    expect(await backend.effects.pending(ctx())).toHaveLength(2);
  });

  it("makes impossible what it said did not happen", async () => {
    const backend = open();
    const early = open();
    await put(backend, "f", "old");
    await put(backend, "d/f", "x");
    const changes = {
      write: (context) => put(backend, "f", pattern(600_000), context),
      mkdir: (context) => backend.mkdir(context, at("e")),
      remove: (context) => backend.remove(context, at("d"), { recursive: true }),
      copy: (context) => backend.copy(context, at("d"), at("g")),
      move: (context) => backend.move(context, at("d"), at("g")),
    } satisfies Record<string, (context: ReturnType<typeof ctx>) => Promise<unknown>>;
    for (const change of Object.values(changes)) {
      const context = ctx(async ({ id }) => {
        expect(await early.recover(ctx(), interrupted(id))).toBe("undone");
      });
      expect(await codeOf(change(context))).toBe("conflict");
      expect(await tree(backend)).toEqual({ d: null, "d/f": "x", f: "old" });
    }
    expect(await query(url, "select from bulkhead.blob where not published")).toHaveLength(0);
  });

  it("refuses what it never staged, and what changes nothing", async () => {
    const backend = open();
    for (const staged of ["", "x", "../f", "00000000-0000-4000-8000-00000000000Z"])
      expect(await codeOf(backend.recover(ctx(), interrupted(staged)))).toBe("invalid-request");
    const staged = "00000000-0000-4000-8000-000000000000";
    expect(
      await codeOf(backend.recover(ctx(), { ...interrupted(staged), operation: "read" })),
    ).toBe("invalid-request");
  });
});
