// The server's memory and what it leaves behind, under bodies far larger than what it may hold of them. Small by default;
// at full size (5 GiB each way, 1,000 readers of 100 MiB, 1,000 aborted transfers) with BULKHEAD_LONG=1.
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { query, waitFor } from "@bulkhead/harness";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { connection } from "../processes/connection.ts";
import { type ServerProcess, type Servers, servers } from "../processes/two-servers.ts";
import { abortGet, abortPut, get, put, type Target } from "./transfers.ts";
import { descriptors, peakDuring, residentBytes } from "./watched.ts";

const long = process.env["BULKHEAD_LONG"] === "1";
const mib = 1024 * 1024;
const large = long ? 5 * 1024 * mib : 256 * mib;
const readers = long
  ? { count: 1000, size: 100 * mib, step: 1 * mib, pauseMs: 100 }
  : { count: 64, size: 6 * mib, step: 2 * mib, pauseMs: 100 };
const aborts = long ? 1000 : 50;
const allowed = 64;
const config =
  "mounts:\n  - { path: /workspace/t/plain, tenant: t, backend: local, options: { root: ./plain } }\n";

/** What lies in folders of staging below a server's folders. */
const stagingFiles = async (dataDir: string): Promise<readonly string[]> =>
  (await readdir(join(dataDir, ".."), { recursive: true })).filter((name) =>
    /\.bulkhead\/(?:staging|trash)\/./.test(name),
  );

/** The placements at which a tenant's files can lie here. */
const places = { versioned: "/v1/files", "plain local": "/v1/files/plain" } as const;

describe.skipIf(process.platform !== "linux")("transfers", () => {
  let all: Servers;
  let server: ServerProcess;
  let target: Target;
  let idle: number;

  // Under load the real processes take their time to start.
  beforeAll(async () => {
    all = await servers("versioned", { config });
    server = await all.start();
    const admin = connection(server.url, all.platformKey);
    const limits = { bytes: 2 ** 40 };
    await admin.must(201, "POST", "/v1/tenants", { body: { id: "t", limits } });
    const body = { name: "k", workspacePrefix: "/workspace/t" };
    const key = (await admin.must(201, "POST", "/v1/keys", { body })).member("key");
    admin.close();
    target = { url: server.url, key };
    // Idle is a server that has served: what is loaded on first use is no body's.
    for (const place of Object.values(places)) {
      await put(target, `${place}/warm`, 16 * mib);
      await get(target, `${place}/warm`, 16 * mib);
    }
    idle = Math.round((await residentBytes(server.process.pid)) / mib);
  }, 120_000);
  afterAll(() => all[Symbol.asyncDispose]());

  const above = async (what: string, work: () => Promise<void>): Promise<number> => {
    const since = performance.now();
    const peak = await peakDuring(server.process.pid, work);
    const seconds = ((performance.now() - since) / 1000).toFixed(1);
    console.info(`${what}: ${peak} MiB at most, ${peak - idle} above ${idle} idle, ${seconds} s`);
    return peak - idle;
  };

  it.each(Object.entries(places))(
    `${large / mib} MiB up and down take no memory: %s`,
    { timeout: long ? 1_200_000 : 120_000 },
    async (name, place) => {
      const path = `${place}/large`;
      const size = name === "versioned" || long ? large : large / 4;
      const up = await above(`${name}, up`, () => put(target, path, size, name === "versioned"));
      const down = await above(`${name}, down`, () => get(target, path, size));
      expect(up).toBeLessThanOrEqual(allowed);
      expect(down).toBeLessThanOrEqual(allowed);
    },
  );

  it.each(Object.entries(places))(
    `${readers.count} slow readers of ${readers.size / mib} MiB hold little: %s`,
    { timeout: long ? 3_600_000 : 120_000 },
    async (name, place) => {
      const path = `${place}/read`;
      await put(target, path, readers.size);
      // They begin a few at a time, and go on when all have begun.
      const open = Promise.withResolvers<void>();
      const read = (begun: () => void): Promise<void> =>
        get(target, path, readers.size, {
          ...readers,
          begun: () => {
            begun();
            return open.promise;
          },
        });
      const peak = await above(`${name}, slow readers`, async () => {
        const reading: Promise<void>[] = [];
        const opener = async (): Promise<void> => {
          while (reading.length < readers.count) {
            const { promise, resolve } = Promise.withResolvers<void>();
            const one = read(resolve);
            reading.push(one);
            await Promise.race([promise, one]);
          }
        };
        await Promise.all(Array.from({ length: 8 }, opener));
        open.resolve();
        await Promise.all(reading);
      });
      expect(peak).toBeLessThanOrEqual(allowed);
    },
  );

  it(
    `${aborts} transfers that break off leave nothing`,
    { timeout: long ? 1_200_000 : 120_000 },
    async () => {
      const size = 6 * mib;
      for (const place of Object.values(places)) await put(target, `${place}/kept`, size);
      const pid = server.process.pid;
      const before = await descriptors(pid);
      const one = async (i: number): Promise<void> => {
        const place = i % 2 === 0 ? places.versioned : places["plain local"];
        const part = Math.round(((i * 7919) % 1000) * (size / 1000));
        if (i % 4 < 2) await abortGet(target, `${place}/kept`, part);
        else await abortPut(target, `${place}/broken-${i}`, size, part, i % 8 < 4);
      };
      let next = 0;
      const worker = async (): Promise<void> => {
        while (next < aborts) await one(next++);
      };
      await Promise.all(Array.from({ length: 16 }, worker));
      // Nothing that is left is waited for longer than an end takes: no lease has to lapse for it.
      const left = () =>
        query(
          all.databaseUrl,
          `select (select count(*)::int from bulkhead.intent) as intents,
            (select count(*)::int from bulkhead.reservation) as reservations,
            (select coalesce(sum(reserved), 0)::int from bulkhead.tenant_head) as reserved,
            (select coalesce(sum(reserved_files), 0)::int from bulkhead.tenant_head) as files,
            (select count(*)::int from bulkhead.blob where refs = 0) as blobs`,
        );
      const none = { intents: 0, reservations: 0, reserved: 0, files: 0, blobs: 0 };
      await waitFor(async () => {
        expect(await left()).toEqual([none]);
        expect(await stagingFiles(all.dataDir)).toEqual([]);
        // What goes idle meanwhile is no leak.
        expect(await descriptors(pid)).toBeLessThanOrEqual(before);
        return true;
      });
      const listed = await connection(target.url, target.key).must(200, "GET", "/v1/list");
      expect(listed.text).not.toContain("broken-");
    },
  );
});
