import { randomBytes } from "node:crypto";
import { appendFile, cp, mkdir, readdir, readFile, rm, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { local } from "@bulkhead/backend-local";
import { collect as collectBlobs } from "@bulkhead/backend-versioned";
import { type Context, parseRequestPath } from "@bulkhead/contract";
import {
  waitFor,
  query,
  tempDir,
  type TempDir,
  testDatabase,
  type TestDatabase,
} from "@bulkhead/harness";
import { bytesBody, collect, plainContext, textBody } from "@bulkhead/kit";
import { type Ledger, migrate, openLedger } from "@bulkhead/ledger";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { backup, type BackupOptions } from "./backup.ts";
import type { Manifest } from "./backup-manifest.ts";
import type { Engine, EngineOptions } from "./engine-options.ts";
import { openEngine } from "./open-engine.ts";
import { restore, type RestoreOptions } from "./restore.ts";
import { recount } from "@bulkhead/settle";
import { thisProcess } from "./process-holder.ts";
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

describe(
  "a backup of a server that is used, and what is restored from it",
  { timeout: 60_000 },
  () => {
    let dir: TempDir;
    let databases: readonly TestDatabase[];
    let engine: Engine;
    let restored: Engine;
    let key: string;
    let uid: string;
    let manifest: Manifest;
    const owner = `test_owner_${randomBytes(6).toString("hex")}`;
    const plainMount = "config:/workspace/acme/plain:0";
    const acknowledged = new Map<string, string>();
    let newest = 0;
    let removed = 0;
    const failures: unknown[] = [];

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
      backends: {
        shelf: {
          backend: "local",
          options: { root: join(dir.path, at, "shelf") },
          durability: "relaxed",
          readOnly: false,
          tenants: false,
        },
        kept: {
          backend: "versioned",
          options: { root: join(dir.path, at, "kept") },
          durability: "relaxed",
          readOnly: false,
          tenants: false,
        },
      },
      log: () => undefined,
    });
    const urlOf = (i: number): string => {
      const url = new URL(databases[i]?.url ?? "");
      // The second one's owner is nobody in particular: row-level security holds for it.
      if (i === 1) [url.username, url.password] = [owner, owner];
      return url.href;
    };
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
      const superuser = databases[1]?.url ?? "";
      await query(superuser, `create role ${owner} login password '${owner}'`);
      await query(superuser, `grant bulkhead_app, bulkhead_system to ${owner}`);
      await query(
        superuser,
        `alter database ${new URL(superuser).pathname.slice(1)} owner to ${owner}`,
      );
      engine = await openEngine({ ...options("one", urlOf(0)), platformKey });
      await engine.control.tenants.create(await as(engine, platformKey), { id: "acme" });
      await engine.control.tenants.create(await as(engine, platformKey), { id: "doomed" });
      ({ uid } = await engine.control.tenants.get(await as(engine, platformKey), "acme"));
      ({ key } = await engine.control.keys.mint(await as(engine, platformKey), {
        name: "k",
        workspacePrefix: "/workspace/acme",
      }));
      const { mounts } = engine.control;
      const add = [
        { path: "/workspace/acme/shelf", backend: "shelf", folder: "old" },
        { path: "/workspace/acme/kept", backend: "kept" },
      ];
      const planned = await mounts.plan(await as(engine, platformKey), { add });
      await mounts.apply(await as(engine, platformKey), planned);
      const ctx = await as(engine, key);
      const put = async (name: string, body: Uint8Array): Promise<void> => {
        await engine.control.session.write(ctx, path(name), bytesBody(body));
        acknowledged.set(name, Buffer.from(body).toString("latin1"));
      };
      await put("/small", Buffer.from("hello\tworld\\\n"));
      await put("/ünï\u2028code", Buffer.from("named"));
      await put("/plain/deep/er/file", long(7));
      await put("/shelf/letter", long(3));
      await put("/kept/deep/file", long(4));
      await put("/kept/deep/file", long(5));
      await put("/plain/zwei\u2028Zeilen", Buffer.from("named"));
      for (let i = 0; i < 20; i++) await put(`/many/${i}`, long(i));
      // As if it had been put there when nobody counted.
      const strays = join(dir.path, "one", "plain", "strays");
      await mkdir(strays);
      for (let i = 0; i < 120; i++) await writeFile(join(strays, String(i)), "0123456789");
      await query(
        urlOf(0),
        "create table bulkhead.audit_202001 partition of bulkhead.audit for values from ('2020-01-01 00:00:00+00') to ('2020-02-01 00:00:00+00')",
      );
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
      for (const database of databases.toReversed()) {
        await database.close();
        if (database === databases[1]) await query(urlOf(0), `drop role ${owner}`);
      }
      await dir[Symbol.asyncDispose]();
    });

    it("is written while files are written, moved and collected", async () => {
      const ledger = await openLedger({ url: urlOf(0), masterKeyFingerprint: fingerprint });
      await halfWay(ledger);
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
      while (written < 10 || removed === 0) await new Promise((resolve) => setTimeout(resolve, 5));
      const before = written;
      manifest = await backup(source("backup"));
      const after = written + 1;
      stopping.abort();
      await writing;
      await stopCollector();
      await ledger.close();
      expect(failures).toEqual([]);
      expect(manifest.damaged).toEqual([]);
      newest = before;
      expect(after).toBeGreaterThan(before);
      expect(await readdir(dir.path)).toEqual(expect.arrayContaining(["backup", "one"]));
      expect((await readdir(dir.path)).filter((name) => name.startsWith("."))).toEqual([]);
      await expect(backup(source("backup"))).rejects.toThrow(/never written over/);
    });

    it("is given up where a tenant goes while its content is being copied", async () => {
      const outcome = backup(source("doomed")).then(
        () => "made",
        (error: unknown) => String(error),
      );
      const isCopying = async (): Promise<boolean> => {
        const partial = (await readdir(dir.path)).find((name) => name.startsWith(".doomed"));
        return (
          partial !== undefined &&
          (await readdir(join(dir.path, partial))).includes("content.jsonl")
        );
      };
      await waitFor(isCopying, { interval: 1 });
      await query(urlOf(0), "update bulkhead.tenant set status = 'deleting' where id = 'doomed'");
      expect(await outcome).toMatch(/was deleted while/);
      await rm(join(dir.path, "one", "plain", "strays"), { recursive: true });
    });

    /** A moment in which everybody holds something, and nobody has finished. */
    const halfWay = async (ledger: Ledger): Promise<void> => {
      const { principal, revisions } = await ledger.authority.admit(platformKey);
      for (const [name, to] of [
        ["deep/er/file", undefined],
        ["never", undefined],
        ["gone", "counter"],
        ["deep", "elsewhere"],
      ] as const) {
        const settlement = {
          tenant: uid,
          revisions,
          reserved: { bytes: 0, files: 0 },
          audit: {
            actor: "half-way",
            key: principal.keyId,
            action: "write",
            resource: name,
            requestId: "r",
            front: "test",
            detail: {},
          },
          idempotency: undefined,
        };
        const id = await ledger.intents.begin(settlement, {
          mount: plainMount,
          fencing: undefined,
          operation: to === undefined ? "write" : "move",
          paths: to === undefined ? [name] : [name, to],
          size: undefined,
        });
        await query(
          urlOf(0),
          "update bulkhead.intent set state = 'committing', staged = 'staged', lease = now() + interval '1 day' where id = $1",
          [id.split(".")[1]],
        );
      }
      const job = await ledger.jobs.enqueue({ kind: "test.none", maxAttempts: 1 });
      await query(
        urlOf(0),
        "update bulkhead.job set state = 'running', attempts = 1, claim = gen_random_uuid(), lease = now() + interval '1 day' where id = $1",
        [job],
      );
      const holder = { host: "elsewhere", boot: "b", pid: 1, startTime: "1" };
      await ledger.leases.acquire("test", holder, 86_400_000);
      await query(
        urlOf(0),
        "update bulkhead.event_position set claimed_until = now() + interval '1 day'",
      );
    };

    const collecting = async (ledger: Ledger) => {
      const { placements, dataDir } = options("one", "");
      const root = (await ledger.roots.all()).roots.find(({ tenant }) => tenant.uid === uid);
      if (root === undefined) throw new Error("There is no root.");
      const content = await local({ root: rootFolder(placements, dataDir, root) ?? "" });
      const tree = await ledger.trees.ensure(uid, rootMountId(root), rootMountId(root));
      return {
        leases: ledger.leases,
        roots: { all: () => [root], stored: () => new Map() },
        templates: {
          storedTrees: { collect: () => Promise.resolve() },
          collect: async () => {
            await ledger.trees.prune(tree, 0, 1);
            const collected = await collectBlobs(
              plainContext(),
              { store: tree.content, content, ledger: ledger.trees },
              { graceMs: 0, maxShare: 1 },
            );
            removed += collected.removed;
          },
        },
        log: (event: string, detail: unknown) => failures.push([event, detail]),
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
      expect(
        await query(urlOf(1), "select 1 from pg_namespace where nspname = 'bulkhead'"),
      ).toEqual([]);
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
      await expect(restore({ ...target("backup"), backends: {} })).rejects.toThrow(/--config/);
      await mkdir(join(dir.path, "full", "plain"), { recursive: true });
      await writeFile(join(dir.path, "full", "plain", "mine"), "mine");
      await expect(restore(target("backup", "full"))).rejects.toThrow(/not empty \(mine\)/);
      expect(await readFile(join(dir.path, "full", "plain", "mine"), "utf8")).toBe("mine");
    });

    it("takes back what it wrote where it fails", async () => {
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
      });
      await expect(failing).rejects.toThrow();
      expect(await readdir(join(dir.path, "failing", "data"))).toEqual([]);
      expect(
        await query(urlOf(1), "select 1 from pg_namespace where nspname = 'bulkhead'"),
      ).toEqual([]);
    });

    it("brings back every write that was acknowledged before, and nothing torn", async () => {
      const plain = manifest.content.places.findIndex(({ mount }) => mount === plainMount);
      const carried = join(dir.path, "backup", "content", String(plain), "deep", "er", "file");
      // By something that keeps no times.
      await utimes(carried, 1, 1);
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
      const { session, tenants, history } = restored.control;
      const { entries } = await history.versions(ctx, path("/kept/deep/file"), {});
      expect(entries.map(({ size }) => size)).toEqual([20_000, 20_000]);
      await session.write(ctx, path("/kept/after"), bytesBody(long(6)));
      expect((await session.stat(ctx, path("/plain/empty"))).kind).toBe("directory");
      const was = await engine.control.session.stat(
        await as(engine, key),
        path("/plain/deep/er/file"),
      );
      const { modifiedAt } = await session.stat(ctx, path("/plain/deep/er/file"));
      expect(Math.abs(modifiedAt - was.modifiedAt)).toBeLessThan(2);
      // A number that was given once is not given again.
      await tenants.create(await as(restored, platformKey), { id: "beta" });
      expect(
        await query(urlOf(1), "select count(distinct generation)::int as n from bulkhead.root"),
      ).toEqual([{ n: 3 }]);
      await session.write(ctx, path("/after"), textBody("after"));
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
        expect(ledger.id).toBe(manifest.ledger.id);
        const { items } = await ledger.auditLog.list(uid, { limit: 1000 });
        expect(
          items.filter(({ actor }) => actor === "half-way").map(({ resource }) => resource),
        ).toEqual(expect.arrayContaining(["gone", "deep/er/file"]));
        expect(items.filter(({ actor }) => actor === "half-way")).toHaveLength(2);
        const platform = await ledger.auditLog.list(undefined, { limit: 1000 });
        expect(platform.items).toEqual(
          expect.arrayContaining([expect.objectContaining({ action: "ledger.restore" })]),
        );
        expect(await ledger.intents.pending(plainMount)).toEqual([]);
        expect(await ledger.leases.acquire("test", await thisProcess(), 1)).toEqual({ fencing: 2 });
        expect(
          await query(
            urlOf(1),
            `select (select array_agg(state || attempts) from bulkhead.job where kind = 'test.none') as jobs,
            (select count(*)::int from bulkhead.event_position where claimed_until is not null) as claimed,
            (select count(*)::int from bulkhead.relation) as relations,
            to_regclass('bulkhead.audit_202001') is not null as partition`,
          ),
        ).toEqual([{ jobs: ["queued0"], claimed: 0, relations: 1, partition: true }]);
        const forced =
          "select count(*)::int as n from pg_class where relnamespace = 'bulkhead'::regnamespace and relforcerowsecurity";
        expect(await query(urlOf(1), forced)).toEqual(await query(urlOf(0), forced));

        const { counted, found } = await ledger.trees.recount(uid);
        expect(counted.versionBytes).toBe(found.versionBytes);
        const usage = await ledger.accounted.usage(uid);
        expect(usage?.counted).toEqual(usage?.charged);
        const plain = await local({ root: join(dir.path, "two", "plain") });
        expect(await recount(plainContext(), plain, ledger.accounted, plainMount)).toMatchObject({
          drift: { bytes: 0, files: 0 },
          differences: [],
        });
      } finally {
        await ledger.close();
      }
    });

    it("can be backed up again, and names what was damaged there", async () => {
      const root = join(dir.path, "two", "data", "content", uid);
      const blobs = (await readdir(root, { recursive: true })).filter((name) =>
        /[0-9a-f-]{36}$/.test(name),
      );
      // None of those that nothing stands on any more.
      const live = await query(
        urlOf(1),
        "select id::text from bulkhead.blob where refs > 0 and content like 'root:%' limit 2",
      );
      const [first, second] = live.map(({ id }) => blobs.find((name) => name.endsWith(String(id))));
      await appendFile(join(root, first ?? ""), "!");
      await rm(join(root, second ?? ""));
      const key2 = join(dir.path, "key-file");
      await writeFile(key2, "k".repeat(40));
      const again = await backup({
        ...options("two", urlOf(1)),
        to: join(dir.path, "again"),
        release: "test",
        masterKeyFile: key2,
      });
      expect(new Set(again.damaged.map(({ path: at, fault }) => `${at} ${fault}`))).toEqual(
        new Set(["/workspace/acme changed", "/workspace/acme missing"]),
      );
      expect(await readFile(join(dir.path, "again", "master-key"), "utf8")).toBe("k".repeat(40));
      const rowsOf = ({ ledger }: Manifest, name: string): number =>
        ledger.tables.find((table) => table.name === name)?.rows ?? -1;
      for (const name of ["node_version", "relation", "key", "tenant", "blob"])
        expect(rowsOf(again, name), name).toBeGreaterThanOrEqual(rowsOf(manifest, name));
      expect(rowsOf(again, "audit")).toBeGreaterThan(20);
      expect(again.ledger.tables.map(({ name }) => name)).toEqual(
        manifest.ledger.tables.map(({ name }) => name),
      );
    });

    it("is refused where it would be less than it seems", async () => {
      const own = {
        backend: "postgres",
        options: {},
        durability: "strict",
        readOnly: false,
      } as const;
      const databasesOfTheirOwn = { ...source("less"), placements: { versioned: own } };
      await expect(backup(databasesOfTheirOwn)).rejects.toThrow(/--without-tenant-databases/);
      expect(
        (await backup({ ...databasesOfTheirOwn, withoutTenantDatabases: true })).omitted,
      ).toEqual([
        { path: "/workspace/acme", why: "own-database" },
        { path: "/workspace/doomed", why: "own-database" },
      ]);
      await expect(backup({ ...source("no"), mounts: [] })).rejects.toThrow(/--config/);
      await expect(backup({ ...source("no"), placements: {} })).rejects.toThrow(/--config/);
      await expect(backup({ ...source("no"), dataDir: dir.path })).rejects.toThrow(/is not in/);
      await expect(backup({ ...source("no"), snapshotMs: 0 })).rejects.toThrow(
        /snapshot may be held/,
      );
      await expect(backup(source("one/plain/no"))).rejects.toThrow(/part of what is backed up/);
      await expect(
        backup({ ...source("no"), signal: AbortSignal.abort(new Error("stopped")) }),
      ).rejects.toThrow("stopped");
      expect((await readdir(dir.path)).filter((name) => /^(no|\.)/.test(name))).toEqual([]);
      expect(await readdir(join(dir.path, "one", "plain"))).not.toContain("no");
    });

    it("does not open where a restore was killed", async () => {
      const dataDir = join(dir.path, "killed");
      await mkdir(dataDir);
      await writeFile(join(dataDir, "restore-unfinished"), "");
      await expect(openEngine({ ...options("two", urlOf(1)), dataDir })).rejects.toThrow(
        /was interrupted/,
      );
    });
  },
);
