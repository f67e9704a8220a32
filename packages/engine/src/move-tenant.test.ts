import { existsSync, readdirSync, rmSync, truncateSync } from "node:fs";
import { join } from "node:path";
import { local } from "@bulkhead/backend-local";
import { frameRoom, versioned } from "@bulkhead/backend-versioned";
import { pools } from "@bulkhead/backend-postgres";
import { type Backend, parseBackendPath, parseVirtualPath } from "@bulkhead/contract";
import {
  query,
  tempDir,
  type TempDir,
  testBucket,
  testDatabase,
  type TestDatabase,
  testS3,
} from "@bulkhead/harness";
import { collect, plainContext, textBody } from "@bulkhead/kit";
import { type Ledger, migrate, type Moves, openLedger } from "@bulkhead/ledger";
import { afterwork } from "@bulkhead/settle";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { backup } from "./backup.ts";
import type { PlacementSpec } from "./mount-spec.ts";
import { mountTemplates, type MountTemplates } from "./mount-templates.ts";
import { moveTenant } from "./move-tenant.ts";
import { restore } from "./restore.ts";
import { rootFolder } from "./root-folders.ts";
import { type LedgerRoot, rootsTable, type RootsTable } from "./roots.ts";

const s3 = await testS3();
const plain = plainContext();
const at = parseBackendPath;
const long = (name: string): string => `${name};`.repeat(12_000);

let database: TestDatabase;
let dir: TempDir;
let ledger: Ledger;
let roots: RootsTable;
let templates: MountTemplates;
let placements: Record<string, PlacementSpec>;
let count = 0;

/** Two placements below a folder. */
const placementsIn = (folder: string): Record<string, PlacementSpec> => {
  const spec = (root: string): PlacementSpec => ({
    backend: "versioned",
    options: { root: join(folder, root) },
    durability: "relaxed",
    readOnly: false,
  });
  return { here: spec("here"), there: spec("there") };
};

/** What a process has that serves and moves tenants. */
const openWorld = async (
  url: string,
  placed: Record<string, PlacementSpec>,
  dataDir: string,
): Promise<{
  readonly ledger: Ledger;
  readonly templates: MountTemplates;
  readonly roots: RootsTable;
}> => {
  const opened = await openLedger({ url, masterKeyFingerprint: "f".repeat(32) });
  const none = (): Promise<never> => Promise.reject(new Error("not here"));
  const made = mountTemplates({
    storages: {
      ...opened,
      afterwork: afterwork(opened.intents),
      pools: pools(),
      room: frameRoom(),
      supports: new Map(),
      ledgerRegion: undefined,
    },
    placements: placed,
    backends: {},
    credentials: { of: () => Promise.resolve(undefined) },
    databases: { open: none, drop: none },
    dataDir,
  });
  const table = await rootsTable({
    feed: opened.roots,
    fixed: [made.platform([])],
    mountRoot: made.root,
    mountStored: made.stored,
    misplaced: () => undefined,
  });
  return { ledger: opened, templates: made, roots: table };
};

beforeAll(async () => {
  database = await testDatabase({ migrate });
  dir = await tempDir();
  placements = placementsIn(dir.path);
  ({ ledger, templates, roots } = await openWorld(database.url, placements, dir.path));
});
afterAll(async () => {
  for (const mount of roots.table().mounts()) await mount.backend.close();
  await ledger.close();
  await database.close();
  await dir.remove();
});

interface Moving {
  readonly uid: string;
  readonly job: string;
  readonly root: () => LedgerRoot;
  /** The tenant's storage as requests reach it. */
  readonly files: () => Backend;
  readonly run: (moves?: Partial<Moves>) => Promise<unknown>;
  /** Moves it once more. */
  readonly back: (placement: string, keep: boolean) => Promise<unknown>;
  readonly abort: () => Promise<void>;
  readonly store: (path: string, text: string) => Promise<void>;
  readonly text: (path: string) => Promise<string>;
  readonly blobs: (placement: string, copy: number) => readonly string[];
}

/** A tenant with a few files and earlier contents, and a move of it that nobody has begun. */
const moving = async (keep = true): Promise<Moving> => {
  const id = `t${(count += 1)}`;
  const path = parseVirtualPath(`/workspace/${id}`);
  const { uid } = await ledger.tenants.create(plain.settlement, {
    id,
    name: id,
    root: path,
    placement: "here",
    subdomain: undefined,
    allowedRegions: undefined,
    limits: {},
    settings: {},
  });
  await roots.catchUp(undefined);
  const root = (): LedgerRoot => {
    const known = roots.rootAt(path);
    if (known === undefined) throw new Error("There is no such root.");
    return known;
  };
  const files = (): Backend => roots.table().resolve(path).mount.backend;
  const settlement = { ...plain.settlement, tenant: uid };
  const store = async (name: string, text: string): Promise<void> => {
    await roots.catchUp(undefined);
    await files().write({ ...plain, settlement }, at(name), textBody(text));
  };
  await store("a", long("a"));
  await store("a", long("b"));
  await store("b", "short");
  const job = await ledger.moves.begin(plain.settlement, uid, { placement: "there", keep });
  const move = (of: string, moves: Partial<Moves>): Promise<unknown> =>
    moveTenant({
      ledger: { ...ledger, moves: { ...ledger.moves, ...moves } },
      roots,
      templates,
      log: () => undefined,
    })(
      { id: of, kind: "tenant.move", tenantUid: uid, payload: {}, progress: {}, attempt: 1 },
      control,
    );
  const control = { signal: new AbortController().signal, progress: () => Promise.resolve() };
  return {
    uid,
    job,
    root,
    files,
    store,
    run: (moves = {}) => move(job, moves),
    back: async (placement, kept) =>
      move(await ledger.moves.begin(plain.settlement, uid, { placement, keep: kept }), {}),
    abort: () => ledger.moves.abort(undefined, job),
    text: async (name) => {
      await roots.catchUp(undefined);
      await using read = await files().read(plain, at(name));
      return new TextDecoder().decode(await collect(read.content));
    },
    blobs: (placement, copy) => {
      const folder = rootFolder(placements, dir.path, { ...root(), placement, copy }) ?? "";
      return existsSync(folder)
        ? readdirSync(folder, { recursive: true, encoding: "utf8" })
            .filter((name) => /\/[0-9a-f]{8}-[0-9a-f-]{27}$/.test(name))
            .map((name) => name.slice(-36))
            .toSorted()
        : [];
    },
  };
};

const even = async (uid: string): Promise<void> => {
  const { counted, found } = await ledger.trees.recount(uid);
  expect(counted).toEqual(found);
};

describe("a tenant's move", () => {
  it("given up at any step before the switch leaves the tenant, and nothing else", async () => {
    const steps: readonly ((one: Moving) => Partial<Moves>)[] = [
      ({ abort }) => ({
        weigh: async (job) => {
          await abort();
          return ledger.moves.weigh(job);
        },
      }),
      ({ abort }) => ({
        copied: async (...args) => {
          await ledger.moves.copied(...args);
          await abort();
        },
      }),
      ({ abort }) => ({
        switch: async (job) => {
          await abort();
          return ledger.moves.switch(job);
        },
      }),
      ({ abort, store }) => ({
        fence: async (...args) => {
          await ledger.moves.fence(...args);
          await abort();
        },
        switch: async (job) => {
          await store("a", long("between"));
          return ledger.moves.switch(job);
        },
      }),
    ];
    for (const step of steps) {
      const one = await moving();
      const before = one.blobs("here", 0);
      await expect(one.run(step(one))).rejects.toThrow("The move was aborted");
      expect(one.root()).toMatchObject({ placement: "here", copy: 0 });
      expect(one.blobs("here", 0)).toEqual(expect.arrayContaining([...before]));
      expect(one.blobs("there", 1)).toEqual([]);
      expect(await ledger.moves.copies({ tenantUid: one.uid })).toEqual([]);
      expect(await query(database.url, "select store from bulkhead.blob_copy")).toEqual([]);
      // Told again, it says the same; and another move may begin, to a place that nothing was in.
      await expect(one.run()).rejects.toThrow("The move was aborted");
      await ledger.moves.begin(plain.settlement, one.uid, { placement: "there", keep: true });
      await one.store("c", long("c"));
      expect(await one.text("c")).toBe(long("c"));
      await even(one.uid);
    }
  });

  it("takes along what is stored until the very last moment, and refuses what comes then", async () => {
    const one = await moving();
    let tries = 0;
    await one.run({
      switch: async (job) => {
        tries += 1;
        // Not looked at since: the switch itself has to see it.
        if (tries === 1) await one.store("late", long("late"));
        // Nobody begins long content now; short content is only rows.
        if (tries === 2) {
          await expect(one.store("later", long("later"))).rejects.toMatchObject({
            code: "unavailable",
            fields: { retryAfter: 1 },
          });
          await one.store("b", "shorter");
        }
        return ledger.moves.switch(job);
      },
    });
    expect(tries).toBe(2);
    await roots.catchUp(undefined);
    expect(one.root()).toMatchObject({ placement: "there", copy: 1 });
    expect(one.blobs("there", 1)).toEqual(one.blobs("here", 0));
    // Read from its new place alone.
    rmSync(rootFolder(placements, dir.path, { ...one.root(), placement: "here", copy: 0 }) ?? "", {
      recursive: true,
    });
    expect(await one.text("late")).toBe(long("late"));
    expect(await one.text("a")).toBe(long("b"));
    expect(await one.text("b")).toBe("shorter");
    await one.store("later", long("later"));
    await expect(one.abort()).rejects.toMatchObject({ code: "conflict" });
    expect(await one.run()).toEqual({ placement: "there", source: "kept" });
    await even(one.uid);
  });

  it("lets no upload that began before the switch end after it, whoever began it", async () => {
    const one = await moving();
    const tree = await templates.tree(one.root());
    const content = await local({
      root: rootFolder(placements, dir.path, one.root()) ?? "",
    });
    // As a process that has not heard of the move: its storage is open, on what the tenant stood on.
    const stale = versioned({ tree, content, ledger: ledger.trees });
    const ctx = { ...plain, settlement: { ...plain.settlement, tenant: one.uid } };
    const body = {
      size: undefined,
      replayable: false,
      open: async function* () {
        yield new Uint8Array(30_000);
        await one.run();
        yield new Uint8Array(10);
      },
    };
    const refused = { code: "unavailable", retry: "safe" };
    await expect(stale.write(ctx, at("x"), body)).rejects.toMatchObject(refused);
    await expect(stale.write(ctx, at("x"), textBody(long("x")))).rejects.toMatchObject(refused);
    await stale.write(ctx, at("y"), textBody("only rows"));
    expect(await one.text("y")).toBe("only rows");
    await stale.close();
    await even(one.uid);
  });

  it.each(["before", "behind"] as const)(
    "may be backed up in its middle, %s the switch, and what is restored is whole",
    async (when) => {
      const one = await moving(false);
      const from = join(dir.path, `backup-${when}`);
      const take = async (): Promise<void> => {
        if (existsSync(from)) return;
        const { damaged } = await backup({
          databaseUrl: database.url,
          dataDir: dir.path,
          placements,
          mounts: [],
          to: from,
          release: "test",
        });
        expect(damaged).toEqual([]);
      };
      await one.run(
        when === "before"
          ? {
              copied: async (...args) => {
                await ledger.moves.copied(...args);
                await take();
              },
            }
          : {
              switch: async (job) => {
                const answer = await ledger.moves.switch(job);
                if (answer === "done") await take();
                return answer;
              },
            },
      );
      const path = one.root().path;
      const other = await testDatabase();
      const dataDir = join(dir.path, `restored-${when}`);
      const placed = placementsIn(dataDir);
      await restore({ databaseUrl: other.url, dataDir, placements: placed, mounts: [], from });
      const world = await openWorld(other.url, placed, dataDir);
      const text = async (): Promise<string> => {
        await world.roots.catchUp(undefined);
        await using read = await world.roots
          .table()
          .resolve(path)
          .mount.backend.read(plain, at("a"));
        return new TextDecoder().decode(await collect(read.content));
      };
      expect(world.roots.rootAt(path)?.placement).toBe(when === "before" ? "here" : "there");
      expect(await text()).toBe(long("b"));
      // Its job was queued again: before the switch it is given up, behind it there is only tidying left.
      const again = moveTenant({ ...world, log: () => undefined })(
        {
          id: one.job,
          kind: "tenant.move",
          tenantUid: one.uid,
          payload: {},
          progress: {},
          attempt: 2,
        },
        { signal: new AbortController().signal, progress: () => Promise.resolve() },
      );
      if (when === "before") await expect(again).rejects.toThrow(/given up|aborted/);
      else await again;
      expect(await text()).toBe(long("b"));
      const { counted, found } = await world.ledger.trees.recount(one.uid);
      expect(counted).toEqual(found);
      for (const mount of world.roots.table().mounts()) await mount.backend.close();
      await world.ledger.close();
      await other.close();
    },
    60_000,
  );

  it("does not take damage along: it is given up, and says what is damaged", async () => {
    const one = await moving();
    const [blob = ""] = one.blobs("here", 0);
    const folder = rootFolder(placements, dir.path, one.root()) ?? "";
    truncateSync(join(folder, blob.slice(0, 2), blob), 10);
    await expect(one.run()).rejects.toThrow(new RegExp(`given up.*${blob} is damaged`));
    expect(one.blobs("there", 1)).toEqual([]);
    expect(one.root()).toMatchObject({ placement: "here" });
  });

  it.skipIf(s3.reason !== undefined)(`goes to a bucket and back ${s3.reason ?? ""}`, async () => {
    const [store] = s3.servers;
    if (store === undefined) throw new Error("There is no S3 server.");
    const bucket = await testBucket(store);
    placements["there"] = {
      backend: "versioned",
      options: { s3: { ...bucket.options, prefix: "trees" } },
      durability: "strict",
      readOnly: false,
    };
    const one = await moving();
    const blobs = one.blobs("here", 0);
    expect(await one.run()).toEqual({ placement: "there", source: "kept" });
    const inBucket = async (): Promise<readonly string[]> =>
      (await bucket.keys()).map((key) => key.slice(-36)).filter((key) => /^[0-9a-f-]+$/.test(key));
    expect((await inBucket()).toSorted()).toEqual(blobs);
    await one.store("c", long("c"));
    expect([await one.text("a"), await one.text("c")]).toEqual([long("b"), long("c")]);
    expect((await inBucket()).length).toBe(blobs.length + 1);
    // Back beside what was kept, and nothing stays in the bucket.
    expect(await one.back("here", false)).toEqual({ placement: "here", source: "erased" });
    expect([await one.text("a"), await one.text("c")]).toEqual([long("b"), long("c")]);
    expect(await bucket.keys()).toEqual([]);
    expect([one.blobs("here", 0), one.blobs("here", 2).length]).toEqual([blobs, blobs.length + 1]);
    await even(one.uid);
  });
});
