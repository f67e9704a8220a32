import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { query, tempDir, type TempDir, testDatabase, type TestDatabase } from "@bulkhead/harness";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { GivenKeys } from "./master-key.ts";
import { rotateMaster, type RotateStep } from "./rotate-master.ts";
import { serve, type Server } from "./serve.ts";

const platformKey = "operator-operator-operator-operator";

describe("replacing the master key", () => {
  let database: TestDatabase;
  let dir: TempDir;
  let fingerprint: string;
  let cursor: string;

  const place = () => ({
    dataDir: join(dir.path, "data"),
    databaseUrl: database.url,
    config: join(dir.path, "bulkhead.yaml"),
  });
  const started = (more: GivenKeys = {}): Promise<Server> =>
    serve(
      { ...place(), ...more, port: 0, platformKey },
      { out: () => undefined, err: () => undefined },
    );
  const ask = (server: Server, path: string, init: RequestInit = {}): Promise<Response> =>
    fetch(`${server.url}${path}`, {
      ...init,
      headers: { authorization: `Bearer ${platformKey}`, "content-type": "application/json" },
    });
  const make = async (server: Server, id: string): Promise<void> => {
    const made = await ask(server, "/v1/mkdir", {
      method: "POST",
      body: JSON.stringify({ path: `/workspace/${id}` }),
    });
    expect(made.ok, await made.text()).toBe(true);
  };
  const textOf = async (server: Server, id: string): Promise<string> =>
    (await ask(server, `/v1/files/workspace/${id}/f`)).text();
  const keyIds = async (): Promise<readonly unknown[]> =>
    (await query(database.url, "select distinct key_id from bulkhead.secret")).map(
      (row) => row["key_id"],
    );

  beforeAll(async () => {
    database = await testDatabase();
    dir = await tempDir();
    await writeFile(
      join(dir.path, "bulkhead.yaml"),
      "placements: { own: { backend: postgres, durability: relaxed } }\ndefaultPlacement: own\n",
    );
    const server = await started();
    await make(server, "acme");
    for (const name of ["f", "g", "h"])
      await ask(server, `/v1/files/workspace/acme/${name}`, { method: "PUT", body: "sealed" });
    const page: unknown = await (await ask(server, "/v1/list/workspace/acme?limit=1")).json();
    cursor = typeof page === "object" && page !== null ? String(Reflect.get(page, "next")) : "";
    await server.close();
    const [meta] = await query(database.url, "select fingerprint from bulkhead.meta");
    fingerprint = String(meta?.["fingerprint"]);
  });
  afterAll(async () => {
    for (const { name } of await query(
      database.url,
      "select database_name as name from bulkhead.tenant where database_name is not null",
    )) {
      await query(database.url, `drop database if exists "${String(name)}" with (force)`);
      await query(database.url, `drop role if exists "${String(name)}"`);
    }
    await database.close();
    await dir[Symbol.asyncDispose]();
  });

  /** As a server would that read its key before the change and sealed after it. */
  let sealedBefore: readonly unknown[] = [];
  const sealLate = async (): Promise<void> => {
    const changed = await query(
      database.url,
      "update bulkhead.secret set key_id = $1, sealed = $2 where tenant = $3 returning name",
      sealedBefore,
    );
    expect(changed).toHaveLength(1);
  };

  class Killed extends Error {}
  const killedAt = async (step: RotateStep, retire = false): Promise<void> => {
    await expect(
      rotateMaster({
        ...place(),
        retire,
        onStep: async (reached) => {
          if (reached === "switched") await sealLate();
          if (reached === step) throw new Killed(step);
        },
      }),
    ).rejects.toThrow(Killed);
    const server = await started();
    expect(await textOf(server, "acme"), step).toBe("sealed");
    await server.close();
  };

  it(
    "leaves servers that open wherever it is killed, and goes on from there",
    { timeout: 60_000 },
    async () => {
      expect(cursor.length).toBeGreaterThan(20);
      const running = await started();
      const [before] = await keyIds();
      const [row] = await query(database.url, "select key_id, sealed, tenant from bulkhead.secret");
      sealedBefore = [row?.["key_id"], row?.["sealed"], row?.["tenant"]];
      const first = await readFile(join(place().dataDir, "master-key"), "utf8");
      for (const step of ["made", "announced", "resealed", "kept", "switched", "promoted"] as const)
        await killedAt(step);
      const { current, previous } = await rotateMaster(place());
      expect(previous).toBe(fingerprint);
      expect(current).not.toBe(fingerprint);
      expect(await keyIds()).not.toContain(before);
      expect(await readFile(join(place().dataDir, "master-key"), "utf8")).not.toBe(first);
      expect(await readFile(join(place().dataDir, "master-key.previous"), "utf8")).toBe(first);
      // Asked again, it is done already.
      expect((await rotateMaster(place())).current).toBe(current);
      // One that has run all the time opens what is sealed now, and seals so that others can.
      expect(await textOf(running, "acme")).toBe("sealed");
      await make(running, "late");
      expect(await keyIds()).toHaveLength(1);
      await ask(running, "/v1/files/workspace/late/f", { method: "PUT", body: "late" });
      await running.close();
      const server = await started();
      expect(await textOf(server, "late")).toBe("late");
      expect(
        (await ask(server, `/v1/list/workspace/acme?after=${encodeURIComponent(cursor)}`)).status,
      ).toBe(200);
      await server.close();
    },
  );

  it("ends the previous key when it is told to", async () => {
    await sealLate();
    for (const step of ["swept", "retired"] as const) await killedAt(step, true);
    expect((await rotateMaster({ ...place(), retire: true })).previous).toBeUndefined();
    const names = await readdir(place().dataDir);
    expect(names.filter((name) => name.includes("master-key"))).toEqual(["master-key"]);
    expect(await keyIds()).toHaveLength(1);
    const server = await started();
    expect(await textOf(server, "acme")).toBe("sealed");
    expect(
      (await ask(server, `/v1/list/workspace/acme?after=${encodeURIComponent(cursor)}`)).status,
    ).toBe(400);
    await server.close();
  });

  it("goes over to a key from the environment, and back to none of before", async () => {
    const masterKey = (await readFile(join(place().dataDir, "master-key"), "utf8")).trim();
    const otherMasterKey = "o".repeat(40);
    await expect(rotateMaster({ ...place(), masterKey })).rejects.toThrow(
      /BULKHEAD_MASTER_KEY_OTHER/,
    );
    await expect(rotateMaster({ ...place(), masterKey: otherMasterKey })).rejects.toThrow(
      /another master key/,
    );
    await rotateMaster({ ...place(), masterKey, otherMasterKey });
    const turned = { masterKey: otherMasterKey, otherMasterKey: masterKey };
    const both = await started(turned);
    expect(await textOf(both, "acme")).toBe("sealed");
    await both.close();
    await rotateMaster({ ...place(), ...turned, retire: true });
    await expect(started({ masterKey })).rejects.toThrow(/another master key/);
    const server = await started({ masterKey: otherMasterKey });
    expect(await textOf(server, "acme")).toBe("sealed");
    await server.close();
  });
});
