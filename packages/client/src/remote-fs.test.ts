import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  BulkheadError,
  ConflictError,
  InvalidRequestError,
  NotFoundError,
  PermissionError,
  PreconditionFailedError,
  RemoteFS,
  RemoteNexusFS,
  UnauthenticatedError,
} from "./index.ts";
import { platformKey, type TestServer, testServer } from "./test/server.ts";

let server: TestServer;
let fs: RemoteFS;
let key: string;
let other: RemoteFS;
beforeAll(async () => {
  server = await testServer();
  ({ fs, key } = await server.tenant("tenant-a"));
  ({ fs: other } = await server.tenant("tenant-b"));
});
afterAll(async () => {
  await server[Symbol.asyncDispose]();
});

const failure = async (promise: Promise<unknown>): Promise<BulkheadError> => {
  const error: unknown = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!(error instanceof BulkheadError)) throw new Error(`It ended otherwise: ${String(error)}`);
  return error;
};

const bytes = (size: number): Uint8Array<ArrayBuffer> =>
  Uint8Array.from({ length: size }, (_, i) => (i * 7 + (i >> 8)) & 0xff);

async function* chunks(whole: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < whole.length; at += size) yield whole.subarray(at, at + size);
}

const text = (path: string): Promise<string> => fs.readFile(path, "utf8");

describe("files", () => {
  it("writes every kind of data and reads it back", async () => {
    const whole = bytes(300_000);
    const blob = new Blob([whole], { type: "application/x-blob" });
    const stream = (): ReadableStream<Uint8Array> => new Blob([whole]).stream();
    const kinds = { bytes: whole, blob, stream: stream(), iterable: chunks(whole, 70_001) };
    for (const [name, data] of Object.entries(kinds)) {
      const stat = await fs.writeFile(`/kinds/${name}`, data);
      expect([name, stat.size, stat.isFile(), stat.path]).toEqual([
        name,
        whole.length,
        true,
        `/kinds/${name}`,
      ]);
      expect(Buffer.compare(await fs.readFile(`/kinds/${name}`), whole), name).toBe(0);
    }
    await fs.writeFile("/kinds/text", "é\u{1f600}\ufeffz");
    expect(await text("/kinds/text")).toBe("é\u{1f600}\ufeffz");
    await fs.writeFile("/kinds/bom", "\ufeffa");
    expect(await fs.readFile("/kinds/bom", { encoding: "utf8" })).toBe("\ufeffa");
    await fs.writeFile("/kinds/empty", chunks(new Uint8Array(), 1));
    expect(await fs.readFile("/kinds/empty")).toEqual(new Uint8Array());
    // @ts-expect-error -- what a program without types may pass
    await expect(fs.writeFile("/kinds/none", 7)).rejects.toThrow(TypeError);
  });

  it("reads ranges, and judges what it reads", async () => {
    const { etag } = await fs.writeFile("/range", "0123456789");
    const read = (range: { start: number; end?: number } | { suffix: number }): Promise<string> =>
      fs.readFile("/range", { encoding: "utf8", range });
    expect(await read({ start: 2, end: 4 })).toBe("234");
    expect(await read({ start: 7 })).toBe("789");
    expect(await read({ suffix: 2 })).toBe("89");
    expect(await fs.readFile("/range", { encoding: "utf8", ifMatch: etag ?? "" })).toBe(
      "0123456789",
    );
    expect((await failure(read({ start: 99 }))).code).toBe("range-not-satisfiable");
    const stale = await failure(fs.readFile("/range", { ifMatch: "other" }));
    expect(stale).toBeInstanceOf(PreconditionFailedError);
    expect(stale.status).toBe(412);
    const open = await fs.open("/range");
    expect([open.length, open.etag]).toEqual([10, etag]);
    await open.stream.cancel();
  });

  it("writes on conditions", async () => {
    const first = await fs.writeFile("/cond", "1", { flag: "wx" });
    expect(await failure(fs.writeFile("/cond", "2", { flag: "wx" }))).toBeInstanceOf(
      PreconditionFailedError,
    );
    const second = await fs.writeFile("/cond", "2", { ifMatch: first.etag ?? "" });
    const lost = await failure(fs.writeFile("/cond", "3", { ifMatch: first.etag ?? "" }));
    expect([lost.code, lost.fields.etag]).toEqual(["precondition-failed", second.etag]);
    expect(await failure(fs.writeFile("/cond", "3", { ifNoneMatch: "*" }))).toHaveProperty(
      "status",
      412,
    );
    expect(await failure(fs.rm("/cond", { ifMatch: first.etag ?? "" }))).toHaveProperty(
      "code",
      "precondition-failed",
    );
    expect(await text("/cond")).toBe("2");
  });

  it("appends, each append once", async () => {
    await fs.appendFile("/log/a", "one\n");
    const named = { idempotencyKey: "append-one" };
    await fs.appendFile("/log/a", "two\n", named);
    await fs.appendFile("/log/a", "two\n", named);
    await fs.appendFile("/log/a", chunks(new TextEncoder().encode("three\n"), 2));
    expect(await text("/log/a")).toBe("one\ntwo\nthree\n");
    expect((await failure(fs.appendFile("/log/a", "else", named))).code).toBe(
      "idempotency-mismatch",
    );
  });

  it("makes, lists, moves, copies and removes", async () => {
    expect(await failure(fs.mkdir("/d/e/f"))).toBeInstanceOf(NotFoundError);
    await fs.mkdir("/d/e/f", { recursive: true });
    await fs.mkdir("/d/e/f", { recursive: true });
    expect(await failure(fs.mkdir("/d/e"))).toBeInstanceOf(ConflictError);
    await fs.writeFile("/d/b", "b");
    await fs.writeFile("/d/e/c", "c");
    expect(await fs.readdir("/d")).toEqual(["b", "e"]);
    expect(await fs.readdir("/d", { recursive: true })).toEqual(["b", "e", "e/c", "e/f"]);
    const [b, e] = await fs.readdir("/d", { withFileTypes: true });
    expect([b?.isFile(), e?.isDirectory(), b?.parentPath, e?.name]).toEqual([
      true,
      true,
      "/d",
      "e",
    ]);
    expect(b?.mtimeMs).toBe(Date.parse(b?.modifiedAt ?? ""));
    await fs.rename("/d/b", "/d/moved");
    await fs.cp("/d/moved", "/d/copy");
    expect(await failure(fs.cp("/d/moved", "/d/copy"))).toHaveProperty("code", "already-exists");
    expect(await failure(fs.rename("/d/moved", "/d/copy"))).toHaveProperty(
      "code",
      "already-exists",
    );
    await fs.writeFile("/d/moved", "new");
    await fs.cp("/d/moved", "/d/copy", { overwrite: true });
    expect(await text("/d/copy")).toBe("new");
    await fs.cp("/d/e", "/d2");
    expect(await fs.readdir("/d2")).toEqual(["c", "f"]);
    expect(await failure(fs.rm("/d"))).toHaveProperty("code", "not-empty");
    await fs.rm("/d", { recursive: true });
    expect(await fs.exists("/d")).toBe(false);
    expect(await failure(fs.rm("/d"))).toBeInstanceOf(NotFoundError);
    await fs.rm("/d", { force: true });
    expect(await fs.exists("/d2/c")).toBe(true);
  });

  it("reads every page", async () => {
    const names = Array.from({ length: 7 }, (_, i) => `n${i}`);
    for (const name of names) await fs.writeFile(`/pages/${name}`, name);
    expect(await fs.readdir("/pages", { pageSize: 3 })).toEqual(names);
    expect(await fs.readdir("/", { pageSize: 2, recursive: true })).toEqual(
      await fs.readdir("/", { recursive: true }),
    );
    const seen: string[] = [];
    for await (const entry of fs.list("/pages", { pageSize: 2 })) {
      seen.push(entry.name);
      if (seen.length === 3) break;
    }
    expect(seen).toEqual(["n0", "n1", "n2"]);
  });

  it("finds paths and lines, and never ends early in silence", async () => {
    await fs.writeFile("/find/x/a.csv", "alpha\nBeta\n");
    await fs.writeFile("/find/b.txt", "beta\n");
    expect(await Array.fromAsync(fs.glob("**/*.csv", { path: "/find" }))).toEqual([
      "/find/x/a.csv",
    ]);
    expect(await Array.fromAsync(fs.grep("beta", { path: "/find" }))).toEqual([
      { path: "/find/b.txt", line: 1, text: "beta" },
    ]);
    expect(
      await Array.fromAsync(
        fs.grep("BETA", { path: "/find", ignoreCase: true, include: "**/*.csv" }),
      ),
    ).toEqual([{ path: "/find/x/a.csv", line: 2, text: "Beta" }]);
    expect(await Array.fromAsync(fs.glob("**", { path: "/find", limit: 1 }))).toHaveLength(1);
  });
});

describe("streams", () => {
  it("reads and writes them", async () => {
    const whole = bytes(700_000);
    const to = fs.writeStream("/streams/w", { contentType: "x/y" });
    await new Blob([whole]).stream().pipeTo(to);
    const from = await fs.readStream("/streams/w");
    expect(Buffer.compare(Buffer.from(await new Response(from).arrayBuffer()), whole)).toBe(0);
  });

  it("tells a writer that its stream was refused, at the latest on close", async () => {
    await fs.mkdir("/streams/dir", { recursive: true });
    const write = async (to: WritableStream<Uint8Array>): Promise<void> => {
      const writer = to.getWriter();
      writer.closed.catch(() => undefined);
      for (let i = 0; i < 50; i++) await writer.write(bytes(65_536));
      await writer.close();
    };
    expect((await failure(write(fs.writeStream("/workspace/tenant-b/x")))).code).toBe(
      "outside-workspace",
    );
    expect((await failure(write(fs.writeStream("/streams/dir")))).code).toBe("is-directory");
  });

  it("keeps the old content when an upload is given up", async () => {
    await fs.writeFile("/abort", "old");
    const gone = new AbortController();
    const why = new Error("changed my mind");
    async function* endless(): AsyncGenerator<Uint8Array> {
      for (let sent = 0; ; sent++) {
        if (sent === 5) gone.abort(why);
        yield bytes(65_536);
      }
    }
    await expect(fs.writeFile("/abort", endless(), { signal: gone.signal })).rejects.toBe(why);
    const writer = fs.writeStream("/abort").getWriter();
    await writer.write(bytes(1000));
    await writer.abort(why);
    const broken = new Error("the disk is gone");
    async function* breaking(): AsyncGenerator<Uint8Array> {
      yield bytes(10);
      throw broken;
    }
    await expect(fs.writeFile("/abort", breaking())).rejects.toBe(broken);
    expect(await text("/abort")).toBe("old");
    expect(await fs.exists("/abort")).toBe(true);
  });

  it("rejects a short or long stream of a declared size", async () => {
    await fs.writeFile("/size", chunks(bytes(10), 3), { size: 10 });
    expect((await fs.stat("/size")).size).toBe(10);
    await failure(fs.writeFile("/size", chunks(bytes(9), 3), { size: 12 }));
    expect((await fs.stat("/size")).size).toBe(10);
  });

  it("hears a signal in every call", async () => {
    const signal = AbortSignal.abort(new Error("before"));
    const calls: readonly (() => Promise<unknown>)[] = [
      () => fs.readFile("/a", { signal }),
      () => fs.writeFile("/a", "x", { signal }),
      () => fs.appendFile("/a", "x", { signal }),
      () => fs.stat("/a", { signal }),
      () => fs.exists("/a", { signal }),
      () => fs.readdir("/", { signal }),
      () => fs.mkdir("/a", { signal }),
      () => fs.rm("/a", { signal, force: true }),
      () => fs.rename("/a", "/b", { signal }),
      () => fs.cp("/a", "/b", { signal }),
      () => Array.fromAsync(fs.glob("*", { signal })),
      () => Array.fromAsync(fs.grep("x", { signal })),
      () => fs.whoami({ signal }),
      () => fs.keys.get("x", { signal }),
      () => fs.tenants.get("x", { signal }),
      () => fs.jobs.wait("x", { signal }),
      () => Array.fromAsync(fs.audit.list({}, { signal })),
    ];
    for (const call of calls) await expect(call()).rejects.toThrow("before");
  });
});

describe("names", () => {
  it("round-trip, whatever is legal", async () => {
    const names = [
      "a b",
      "a?b",
      "a#b",
      "%41",
      "%2e%2e",
      "%",
      "%2F",
      "..;",
      "...",
      ";x=1",
      "a+b&c=d",
      "é",
      "e\u0301",
      "\u{1f980}",
      "~!$'()*,:@[]{}|^`\"<>",
      " lead",
      "trail ",
      "x".repeat(255),
    ];
    for (const name of names) {
      const path = `/odd/${name}`;
      expect((await fs.writeFile(path, name)).path).toBe(path);
      expect(await text(path)).toBe(name);
      expect((await fs.stat(path)).name).toBe(name);
      await fs.appendFile(path, "+");
      await fs.cp(path, `/odd2/${name}`);
    }
    const sorted = names.toSorted((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
    expect(await fs.readdir("/odd")).toEqual(sorted);
    expect(await fs.readdir("/odd2", { recursive: true })).toEqual(sorted);
    for (const name of names) await fs.rm(`/odd/${name}`);
    expect(await fs.readdir("/odd")).toEqual([]);
  });

  it("are refused here where they would become another path on the way", async () => {
    const sent: string[] = [];
    const spy = new RemoteFS({
      url: server.url,
      apiKey: key,
      fetch: async (input, init) => {
        sent.push(new Request(input).url);
        return fetch(input, init);
      },
    });
    const bad = [
      "/..",
      "/a/../b",
      "/./a",
      "/a/.",
      "//a",
      "/a/",
      "a",
      "",
      "/a\\b",
      "/a\0b",
      "/\ud800",
    ];
    for (const path of bad)
      for (const call of [
        () => spy.readFile(path),
        () => spy.writeFile(path, "x"),
        () => spy.stat(path),
        () => spy.readdir(path),
        () => spy.rm(path, { force: true }),
        () => spy.mkdir(path),
        () => spy.rename(path, "/z"),
        () => spy.cp("/z", path),
        () => Array.fromAsync(spy.glob("*", { path })),
      ]) {
        const error = await failure(call());
        expect([path, error.code, error instanceof InvalidRequestError]).toEqual([
          path,
          "invalid-path",
          true,
        ]);
      }
    for (const id of ["", ".", ".."])
      expect(await failure(spy.keys.get(id))).toHaveProperty("code", "invalid-request");
    expect(sent).toEqual([]);
    expect(await failure(server.platform.tenants.get("a/b"))).toHaveProperty("code", "not-found");
  });
});

describe("who may", () => {
  it("lands in the workspace of the key (C1), and nowhere else (C2)", async () => {
    const nexus = new RemoteNexusFS({
      url: server.url,
      apiKey: key,
      workspacePrefix: "/workspace/tenant-a",
    });
    expect(nexus).toBeInstanceOf(RemoteFS);
    await nexus.writeFile("/data/report.txt", "a's");
    const landed = "/workspace/tenant-a/data/report.txt";
    expect(await server.platform.readFile(landed, "utf8")).toBe("a's");
    for (const call of [
      () => other.readFile(landed),
      () => other.writeFile(landed, "x"),
      () => other.rm(landed),
      () => other.cp(landed, "/mine"),
      () => other.rename("/mine", landed),
    ]) {
      const error = await failure(call());
      expect(error).toBeInstanceOf(PermissionError);
      expect([error.code, error.status, error.retryable]).toEqual([
        "outside-workspace",
        403,
        false,
      ]);
      expect(error.requestId).toMatch(/./);
    }
  });

  it("only narrows by a prefix (C3), odd names too", async () => {
    const narrowed = (workspacePrefix: string): RemoteFS =>
      new RemoteFS({ url: server.url, apiKey: key, workspacePrefix });
    const team = narrowed("/workspace/tenant-a/t é#%41");
    await team.writeFile("/x", "narrow");
    expect(await text("/t é#%41/x")).toBe("narrow");
    expect(await failure(team.readFile("/workspace/tenant-a/data/report.txt"))).toBeInstanceOf(
      PermissionError,
    );
    for (const wider of ["/workspace/tenant-b", "/workspace"])
      expect(await failure(narrowed(wider).readdir("/"))).toHaveProperty(
        "code",
        "outside-workspace",
      );
    expect(() => narrowed("/workspace/../x")).toThrow(InvalidRequestError);
  });

  it("mints, narrows, rotates and revokes keys (C6)", async () => {
    const { keys } = server.platform;
    const minted = await keys.create({ name: "k", workspacePrefix: "/workspace/tenant-a" });
    const with_ = (secret: string | null): RemoteFS =>
      new RemoteFS({ url: server.url, apiKey: secret ?? "" });
    const mine = with_(minted.key);
    await mine.writeFile("/k", "1");
    expect((await keys.update(minted.id, { scopes: ["read"] })).scopes).toEqual(["read"]);
    expect((await failure(mine.writeFile("/k", "2"))).code).toBe("scope-required");
    expect((await mine.whoami()).scopes).toEqual(["read"]);
    const next = await keys.rotate(minted.id, { overlapSeconds: 0 });
    expect(await failure(mine.readFile("/k"))).toBeInstanceOf(UnauthenticatedError);
    expect(await with_(next.key).readFile("/k", "utf8")).toBe("1");
    await keys.revoke(next.id);
    expect(await failure(with_(next.key).readFile("/k"))).toHaveProperty("status", 401);
    const listed = await Array.fromAsync(keys.list({ tenant: "tenant-a" }, { pageSize: 1 }));
    expect(listed.map(({ id }) => id)).toContain(minted.id);
    expect((await keys.get(minted.id)).name).toBe("k");
    const named = { idempotencyKey: "mint-once" };
    const input = { name: "once", workspacePrefix: "/workspace/tenant-a" };
    const once = await keys.create(input, named);
    const again = await keys.create(input, named);
    expect([again.id, again.key, again.replayed]).toEqual([once.id, null, true]);
  });

  it("creates, suspends and deletes tenants, and reads the log", async () => {
    const { tenants, jobs, audit } = server.platform;
    const { fs: gone } = await server.tenant("short-lived");
    await gone.writeFile("/x", "x");
    expect((await tenants.suspend("short-lived", { reason: "unpaid" })).suspensionReason).toBe(
      "unpaid",
    );
    expect(await failure(gone.readFile("/x"))).toHaveProperty("code", "tenant-suspended");
    expect((await tenants.reactivate("short-lived")).status).toBe("active");
    expect(await gone.readFile("/x", "utf8")).toBe("x");
    expect((await tenants.update("short-lived", { name: "Short" })).name).toBe("Short");
    expect((await tenants.get("short-lived")).name).toBe("Short");
    const ids = (await Array.fromAsync(tenants.list({}, { pageSize: 1 }))).map(({ id }) => id);
    expect(ids).toEqual(expect.arrayContaining(["tenant-a", "tenant-b", "short-lived"]));
    expect(await failure(tenants.create({ id: "tenant-a" }))).toBeInstanceOf(ConflictError);
    const unconfirmed = await failure(tenants.delete("short-lived"));
    expect([unconfirmed.code, unconfirmed.fields.counts]).toEqual([
      "confirmation-required",
      expect.any(Object),
    ]);
    const { job } = await tenants.delete("short-lived", { confirm: "short-lived", grace: "P0D" });
    expect(await failure(gone.readFile("/x"))).toHaveProperty("status", 401);
    expect((await jobs.wait(job)).state).toBe("done");
    const denied = await Array.fromAsync(
      audit.list({ tenant: "tenant-b", result: "denied" }, { pageSize: 2 }),
    );
    expect(denied.length).toBeGreaterThanOrEqual(5);
    expect(denied.every(({ result }) => result.startsWith("DENIED"))).toBe(true);
  });

  it("says that a key is wrong, and refuses what is none", async () => {
    const wrong = new RemoteFS({ url: server.url, apiKey: `${platformKey}x` });
    expect(await failure(wrong.whoami())).toBeInstanceOf(UnauthenticatedError);
    expect((await wrong.health()).status).toBe("ok");
    expect(() => new RemoteFS({ url: server.url, apiKey: "a b" })).toThrow(InvalidRequestError);
    for (const url of ["nowhere", "ftp://x", "http://u:p@x", "http://x/?a", "http://x/#a"])
      expect(() => new RemoteFS({ url, apiKey: "k" })).toThrow(InvalidRequestError);
  });
});

describe("the past", () => {
  it("is told, read and restored, of what was overwritten and what was removed", async () => {
    await fs.writeFile("/past/f", "one", { contentType: "text/x-one", metadata: { by: "me" } });
    await fs.writeFile("/past/f", "two");
    await fs.rm("/past", { recursive: true });
    const past = await Array.fromAsync(fs.versions("/past/f", { pageSize: 2 }));
    expect(past.map(({ kind, size, contentType }) => [kind, size, contentType])).toMatchObject([
      ["remove", 0, null],
      ["write", 3, expect.anything()],
      ["write", 3, "text/x-one"],
    ]);
    const [, , first] = past;
    const version = first?.version ?? "";
    expect(await fs.readFile("/past/f", { version, encoding: "utf8" })).toBe("one");
    const options = { idempotencyKey: crypto.randomUUID() };
    const restored = await fs.restore("/past/f", version, options);
    expect(restored).toMatchObject({ size: 3, contentType: "text/x-one" });
    expect(restored.version).not.toBe(version);
    expect((await fs.restore("/past/f", version, options)).version).toBe(restored.version);
    expect((await fs.stat("/past/f")).metadata).toEqual({ by: "me" });
    expect(await text("/past/f")).toBe("one");
    expect(await failure(Array.fromAsync(fs.versions("/past/none")))).toBeInstanceOf(NotFoundError);
    expect(await failure(fs.restore("/past/f", "nothing"))).toBeInstanceOf(NotFoundError);
    expect(await failure(fs.restore("/past/../f", "1"))).toHaveProperty("code", "invalid-path");
    const outside = await failure(Array.fromAsync(other.versions("/workspace/tenant-a/past/f")));
    expect(outside).toBeInstanceOf(PermissionError);
  });

  it("tells changes from a cursor on, and follows until it is ended", async () => {
    const { fs: changing } = await server.tenant("changing");
    for (const name of ["a", "b", "c"]) await changing.writeFile(`/${name}`, name);
    let cursor: string | undefined;
    const onCursor = (next: string): void => void (cursor = next);
    const first = await Array.fromAsync(changing.changes({ limit: 2, onCursor }));
    expect(first.map(({ kind, path }) => `${kind} ${path}`)).toEqual(["write /a", "write /b"]);
    const rest = await Array.fromAsync(changing.changes({ after: cursor, pageSize: 1, onCursor }));
    expect(rest.map(({ path }) => path)).toEqual(["/c"]);
    const byPlatform = server.platform.changes({ tenant: "changing", limit: 1 });
    expect((await Array.fromAsync(byPlatform))[0]?.path).toBe("/workspace/changing/a");

    const ended = new AbortController();
    const seen: string[] = [];
    const following = (async () => {
      const options = { after: cursor, follow: true, signal: ended.signal } as const;
      for await (const { kind, from, path } of changing.changes(options)) {
        seen.push([kind, from ?? "-", path].join(" "));
        if (seen.length === 2) ended.abort(new Error("enough"));
      }
    })();
    const outcome = following.catch((error: unknown) => error);
    await changing.writeFile("/d", "d");
    await changing.rename("/d", "/e");
    expect(await outcome).toEqual(new Error("enough"));
    expect(seen).toEqual(["write - /d", "move /d /e"]);
    expect(await Array.fromAsync(changing.changes({ after: "latest" }))).toEqual([]);
  });
});
