import { appendFile, cp, mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { local } from "@bulkhead/backend-local";
import { collect as collectBlobs } from "@bulkhead/backend-versioned";
import { type Context, parseRequestPath } from "@bulkhead/contract";
import { query, tempDir, type TempDir, testDatabase, type TestDatabase } from "@bulkhead/harness";
import { bytesBody, collect, plainContext, textBody } from "@bulkhead/kit";
import { type Ledger, migrate, openLedger } from "@bulkhead/ledger";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { backup, type BackupOptions } from "./backup.ts";
import type { Manifest } from "./backup-manifest.ts";
import { type Engine, type EngineOptions, openEngine } from "./open-engine.ts";
import { restore, type RestoreOptions } from "./restore.ts";
import { rootFolder, rootMountId } from "./root-folders.ts";
import { startCollector } from "./start-collector.ts";

const platformKey = "operator-operator-operator-operator";
const fingerprint = "f".repeat(32);
const path = parseRequestPath;
/** Too long for a row. */
const long = (seed: number): Uint8Array => new Uint8Array(20_000).fill(seed % 256);

const as = (engine: Engine, key: string): Promise<Context> =>
  engine.control.authenticate({
    key,
    address: "127.0.0.1",
    front: "test",
    requestId: "r",
    signal: new AbortController().signal,
    cut: () => undefined,
  });

const textAt = async (engine: Engine, key: string, name: string): Promise<string> => {
  await using read = await engine.control.session.read(await as(engine, key), path(name));
  return Buffer.from(await collect(read.content)).toString("latin1");
};

describe("a backup of a server that is used, and what is restored from it", () => {
  let dir: TempDir;
  let databases: readonly TestDatabase[];
  let engine: Engine;
  let restored: Engine;
  let key: string;
  let uid: string;
  let manifest: Manifest;
  const acknowledged = new Map<string, string>();
  let newest = 0;

  const options = (
    at: string,
    databaseUrl: string,
  ): Omit<EngineOptions, "databaseUrl"> & { readonly databaseUrl: string } => ({
    databaseUrl,
    dataDir: join(dir.path, at, "data"),
    masterKeyFingerprint: fingerprint,
    certificateKey: new Uint8Array(32),
    platformKey: undefined,
    region: undefined,
    namespaceRoots: ["workspace", "tenants"],
    placements: {
      versioned: { backend: "versioned", options: {}, durability: "relaxed", readOnly: false },
    },
    defaultPlacement: "versioned",
    mounts: [
      {
        path: "/workspace/acme/plain",
        backend: "local",
        options: { root: join(dir.path, at, "plain") },
        durability: "relaxed",
        readOnly: false,
        priority: 0,
      },
    ],
    log: () => undefined,
  });
  const urlOf = (i: number): string => databases[i]?.url ?? "";
  const source = (to: string): BackupOptions => ({
    ...options("one", urlOf(0)),
    to: join(dir.path, to),
    release: "test",
  });
  const target = (from: string, at = "two"): RestoreOptions => ({
    ...options(at, urlOf(1)),
    from: join(dir.path, from),
  });

  beforeAll(async () => {
    dir = await tempDir();
    databases = await Promise.all([testDatabase({ migrate }), testDatabase()]);
    engine = await openEngine({ ...options("one", urlOf(0)), platformKey });
    await engine.control.tenants.create(await as(engine, platformKey), { id: "acme" });
    ({ uid } = await engine.control.tenants.get(await as(engine, platformKey), "acme"));
    ({ key } = await engine.control.keys.mint(await as(engine, platformKey), {
      name: "k",
      workspacePrefix: "/workspace/acme",
    }));
    const ctx = await as(engine, key);
    const put = async (name: string, body: Uint8Array): Promise<void> => {
      await engine.control.session.write(ctx, path(name), bytesBody(body));
      acknowledged.set(name, Buffer.from(body).toString("latin1"));
    };
    await put("/small", Buffer.from("hello\tworld\\\n"));
    await put("/ünï\u2028code", Buffer.from("named"));
    await put("/plain/deep/er/file", long(7));
    for (let i = 0; i < 20; i++) await put(`/many/${i}`, long(i));
    await engine.control.session.mkdir(ctx, path("/plain/empty"));
    await engine.control.relations.grant(await as(engine, platformKey), {
      tenant: "acme",
      subject: "user:alice",
      relation: "viewer",
      object: "file:/workspace/acme/many",
    });
  });
  afterAll(async () => {
    await restored?.close();
    await engine.close();
    for (const database of databases) await database.close();
    await dir[Symbol.asyncDispose]();
  });

  it("is written while files are written, moved and collected", async () => {
    const ledger = await openLedger({ url: urlOf(0), masterKeyFingerprint: fingerprint });
    const stopCollector = startCollector({ ...(await collecting(ledger)), everyMs: 5 });
    const stopping = new AbortController();
    let written = 0;
    const write = async (): Promise<void> => {
      for (let i = 1; !stopping.signal.aborted; i++) {
        const ctx = await as(engine, key);
        // The last one of each name loses its blob as soon as it is nobody's content any more.
        await engine.control.session.write(ctx, path(`/many/${i % 20}`), bytesBody(long(i)));
        await engine.control.session.write(ctx, path("/plain/counter"), textBody(String(i)));
        await engine.control.session.write(ctx, path("/counter"), textBody(String(i)));
        written = i;
      }
    };
    const writing = write();
    while (written < 10) await new Promise((resolve) => setTimeout(resolve, 5));
    const before = written;
    manifest = await backup(source("backup"));
    const after = written + 1;
    stopping.abort();
    await writing;
    await stopCollector();
    await ledger.close();
    expect(manifest.damaged).toEqual([]);
    newest = before;
    expect(after).toBeGreaterThan(before);
    expect(await readdir(dir.path)).toEqual(expect.arrayContaining(["backup", "one"]));
    expect((await readdir(dir.path)).filter((name) => name.startsWith("."))).toEqual([]);
    await expect(backup(source("backup"))).rejects.toThrow(/never written over/);
  });

  const collecting = async (ledger: Ledger) => {
    const { placements, dataDir } = options("one", "");
    const root = (await ledger.roots.all()).roots.find(({ tenant }) => tenant.uid === uid);
    if (root === undefined) throw new Error("There is no root.");
    const content = await local({ root: rootFolder(placements, dataDir, root) ?? "" });
    const tree = await ledger.trees.ensure(uid, rootMountId(root), rootMountId(root));
    return {
      leases: ledger.leases,
      roots: { all: () => [root] },
      templates: {
        collect: async () => {
          await ledger.trees.prune(tree, 0, 1);
          await collectBlobs(
            plainContext(),
            { store: tree.content, content, ledger: ledger.trees },
            { graceMs: 0, maxShare: 1 },
          );
        },
      },
      log: () => undefined,
    };
  };

  it("is refused where a part of it was changed, and nothing is written", async () => {
    const content = manifest.content.places.findIndex(({ kind }) => kind === "versioned");
    const blob = join("content", String(content));
    const [shelf = ""] = (await readdir(join(dir.path, "backup", blob))).filter(
      (name) => name.length === 2,
    );
    const [name = ""] = await readdir(join(dir.path, "backup", blob, shelf));
    const bad = join(dir.path, "bad");
    for (const file of [
      "ledger/key.tsv",
      "content.jsonl",
      "manifest.json",
      join(blob, shelf, name),
    ]) {
      await cp(join(dir.path, "backup"), bad, { recursive: true });
      await appendFile(join(bad, file), " ");
      await expect(restore(target("bad"))).rejects.toThrow(/damaged or changed/);
      await rm(bad, { recursive: true });
    }
    await cp(join(dir.path, "backup"), bad, { recursive: true });
    await rm(join(bad, blob, shelf, name));
    await expect(restore(target("bad"))).rejects.toThrow(/damaged or changed/);
    expect(await readdir(dir.path)).not.toContain("two");
    expect(await query(urlOf(1), "select 1 from pg_namespace where nspname = 'bulkhead'")).toEqual(
      [],
    );
  });

  it("is refused over anything that is there, under another key, and without its storages", async () => {
    await expect(restore({ ...target("backup"), databaseUrl: urlOf(0) })).rejects.toThrow(
      /holds a ledger already/,
    );
    await expect(
      restore({ ...target("backup"), masterKeyFingerprints: ["e".repeat(32)] }),
    ).rejects.toThrow(/another master key/);
    await expect(restore({ ...target("backup"), mounts: [] })).rejects.toThrow(/--config/);
    await expect(restore({ ...target("backup"), placements: {} })).rejects.toThrow(/--config/);
    await mkdir(join(dir.path, "full", "plain"), { recursive: true });
    await writeFile(join(dir.path, "full", "plain", "mine"), "mine");
    await expect(restore(target("backup", "full"))).rejects.toThrow(/not empty \(mine\)/);
    expect(await readFile(join(dir.path, "full", "plain", "mine"), "utf8")).toBe("mine");
  });

  it("takes back what it wrote where it fails", async () => {
    const stopping = new AbortController();
    const failing = restore({
      ...target("backup", "failing"),
      placements: {
        versioned: {
          backend: "versioned",
          // A folder cannot be made below a file.
          options: { root: join(dir.path, "backup", "manifest.json") },
          durability: "relaxed",
          readOnly: false,
        },
      },
      signal: stopping.signal,
    });
    await expect(failing).rejects.toThrow();
    expect(await readdir(join(dir.path, "failing", "data"))).toEqual([]);
    expect(await query(urlOf(1), "select 1 from pg_namespace where nspname = 'bulkhead'")).toEqual(
      [],
    );
  });

  it("brings back every write that was acknowledged before, and nothing torn", async () => {
    // As if it had been taken in the middle of everything.
    await restore(target("backup"));
    restored = await openEngine(options("two", urlOf(1)));
    for (const [name, text] of acknowledged)
      if (!name.startsWith("/many")) expect(await textAt(restored, key, name)).toBe(text);
    for (let i = 0; i < 20; i++) {
      const text = await textAt(restored, key, `/many/${i}`);
      expect(text).toHaveLength(20_000);
      expect(new Set(text).size).toBe(1);
    }
    expect(Number(await textAt(restored, key, "/counter"))).toBeGreaterThanOrEqual(newest);
    expect(Number(await textAt(restored, key, "/plain/counter"))).toBeGreaterThanOrEqual(newest);
    const ctx = await as(restored, key);
    expect((await restored.control.session.stat(ctx, path("/plain/empty"))).kind).toBe("directory");
    await restored.control.session.write(ctx, path("/after"), textBody("after"));
    expect(await textAt(restored, key, "/after")).toBe("after");
  });

  it("is another epoch, in which nobody holds anything, and adds up", async () => {
    const ledger = await openLedger({ url: urlOf(1), masterKeyFingerprint: fingerprint });
    try {
      const epochs = await query(urlOf(1), "select distinct epoch::text from bulkhead.revision");
      expect(epochs).toHaveLength(1);
      expect(epochs).not.toEqual([{ epoch: manifest.ledger.epoch }]);
      expect(await ledger.auditLog.verify(uid)).toBeUndefined();
      expect(await ledger.auditLog.verify(undefined)).toBeUndefined();
      const { counted, found } = await ledger.trees.recount(uid);
      expect(counted.versionBytes).toBe(found.versionBytes);
      expect(ledger.id).toBe(manifest.ledger.id);
    } finally {
      await ledger.close();
    }
  });

  it("does not open where a restore was killed", async () => {
    const dataDir = join(dir.path, "killed");
    await mkdir(dataDir);
    await writeFile(join(dataDir, "restore-unfinished"), "");
    await expect(openEngine({ ...options("two", urlOf(1)), dataDir })).rejects.toThrow(
      /was interrupted/,
    );
  });
});
