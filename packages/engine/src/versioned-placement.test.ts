import { existsSync } from "node:fs";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { type Context, parseRequestPath } from "@bulkhead/contract";
import {
  query,
  tempDir,
  type TempDir,
  testDatabase,
  type TestDatabase,
  waitFor,
} from "@bulkhead/harness";
import { bytesBody, collect, textBody } from "@bulkhead/kit";
import { migrate } from "@bulkhead/ledger";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Engine } from "./engine-options.ts";
import { openEngine } from "./open-engine.ts";

const platformKey = "operator-operator-operator-operator";
const path = parseRequestPath;

describe("a tenant placed on versioned storage", () => {
  let database: TestDatabase;
  let dir: TempDir;
  let engines: readonly Engine[];

  beforeAll(async () => {
    database = await testDatabase({ migrate });
    dir = await tempDir();
    const open = (): Promise<Engine> =>
      openEngine({
        databaseUrl: database.url,
        dataDir: dir.path,
        masterKeyFingerprint: "f".repeat(32),
        certificateKey: new Uint8Array(32),
        platformKey,
        region: undefined,
        namespaceRoots: ["workspace", "tenants"],
        placements: {
          versioned: { backend: "versioned", options: {}, durability: "strict", readOnly: false },
        },
        defaultPlacement: "versioned",
        mounts: [],
        log: () => undefined,
      });
    engines = [await open(), await open()];
    await engineAt(0).control.tenants.create(await as(platformKey), { id: "acme" });
  });
  afterAll(async () => {
    for (const engine of engines) await engine.close();
    await database.close();
    await dir[Symbol.asyncDispose]();
  });

  const engineAt = (i: number): Engine => {
    const engine = engines[i];
    if (engine === undefined) throw new Error("There is no such engine.");
    return engine;
  };
  const as = (key: string, i = 0): Promise<Context> =>
    engineAt(i).control.authenticate({
      key,
      address: "127.0.0.1",
      front: "test",
      requestId: "r",
      signal: new AbortController().signal,
      cut: () => undefined,
    });
  const mint = async (prefix: string): Promise<string> =>
    (
      await engineAt(0).control.keys.mint(await as(platformKey), {
        name: "k",
        workspacePrefix: prefix,
      })
    ).key;

  it("is served by every process at once, small content and large", async () => {
    const key = await mint("/workspace/acme");
    const large = new Uint8Array(5 << 20).fill(7);
    await engineAt(0).control.session.write(await as(key, 0), path("/small"), textBody("hello"));
    await engineAt(1).control.session.write(
      await as(key, 1),
      path("/deep/large"),
      bytesBody(large),
    );
    await using small = await engineAt(1).control.session.read(await as(key, 1), path("/small"));
    expect(new TextDecoder().decode(await collect(small.content))).toBe("hello");
    await using read = await engineAt(0).control.session.read(
      await as(key, 0),
      path("/deep/large"),
    );
    expect(Buffer.compare(await collect(read.content), large)).toBe(0);
    const entries = (await engineAt(0).control.session.list(await as(key), path("/"))).entries;
    expect(entries.map((entry) => entry.name)).toEqual(["deep", "small"]);
  });

  it("writes one audit entry a change, in its own commit", async () => {
    const key = await mint("/workspace/acme");
    await engineAt(0).control.session.move(await as(key), path("/small"), path("/moved"));
    const items = (await engineAt(0).control.audit.list(await as(platformKey), { tenant: "acme" }))
      .items;
    expect(
      items.filter((entry) => entry.result === "SUCCESS" && entry.action === "move"),
    ).toMatchObject([{ resource: "/workspace/acme/small", tenant: "acme" }]);
  });

  it("lets nothing commit after a revoke through the other process", async () => {
    const key = await mint("/workspace/acme");
    const ctx = await as(key, 0);
    await engineAt(1).control.keys.revoke(await as(platformKey, 1), ctx.principal.keyId);
    await expect(
      engineAt(0).control.session.write(ctx, path("/late"), textBody("late")),
    ).rejects.toMatchObject({ code: "unauthenticated" });
    await expect(
      engineAt(0).control.session.stat(await as(platformKey), path("/workspace/acme/late")),
    ).rejects.toMatchObject({ code: "not-found" });
  });

  it("is gone with its tenant: rows, history and content", async () => {
    const { tenants, jobs, session } = engineAt(0).control;
    await tenants.create(await as(platformKey), { id: "gone" });
    const key = await mint("/workspace/gone");
    await session.write(await as(key), path("/f"), bytesBody(new Uint8Array(1 << 20)));
    await session.write(await as(key), path("/f"), textBody("second"));
    const { uid } = await tenants.get(await as(platformKey), "gone");
    expect(await readdir(join(dir.path, "content", uid))).toHaveLength(1);
    const { job } = await tenants.remove(await as(platformKey), "gone", "gone", 0);
    await waitFor(async () => (await jobs.get(await as(platformKey), job)).state === "done");
    expect((await jobs.get(await as(platformKey), job)).result).toMatchObject({
      removed: expect.arrayContaining([
        { what: "files", where: "/workspace/gone", files: 1, bytes: 6, versionBytes: 1 << 20 },
      ]),
    });
    expect(existsSync(join(dir.path, "content", uid))).toBe(false);
    const left = await query(
      database.url,
      "select (select count(*) from bulkhead.tree where tenant = $1)::int as trees, (select count(*) from bulkhead.blob where content like '%' || $2 || '%')::int as blobs",
      [uid, uid],
    );
    expect(left).toEqual([{ trees: 0, blobs: 0 }]);
  });
});
