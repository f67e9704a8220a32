import { mkdir, readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type RunningBulkhead, type TempDir, runSource, tempDir, waitFor } from "@bulkhead/harness";
import { afterEach, beforeEach, expect, test } from "vitest";
import { lockDataDir } from "./lock-data-dir.ts";
import { processStart } from "./process-start.ts";

let dir: TempDir;
let children: RunningBulkhead[] = [];
beforeEach(async () => {
  dir = await tempDir();
});
afterEach(async () => {
  await Promise.all(children.map((child) => child.kill()));
  children = [];
  await dir.remove();
});

async function holder(dataDir: string): Promise<RunningBulkhead> {
  const file = join(dir.path, "hold.ts");
  const source = new URL("./lock-data-dir.ts", import.meta.url).href;
  await writeFile(
    file,
    `const { lockDataDir } = await import(${JSON.stringify(source)});
     await lockDataDir(process.argv[2]);
     console.log("locked");
     setInterval(() => {}, 1000);`,
  );
  const child = runSource(file, [dataDir]);
  children.push(child);
  await waitFor(() => child.stdout.includes("locked"));
  return child;
}

test("a second taker is refused, and told the pid, until the first releases", async () => {
  const first = await lockDataDir(dir.path);
  await expect(lockDataDir(dir.path)).rejects.toMatchObject({
    code: "conflict",
    message: expect.stringContaining(`pid ${process.pid}`),
  });
  await first.release();
  await first.release();
  const second = await lockDataDir(dir.path);
  await expect(lockDataDir(dir.path)).rejects.toMatchObject({ code: "conflict" });
  await second.release();
});

test("another process's lock is kept while it lives and taken over when it was killed", async () => {
  const child = await holder(dir.path);
  await expect(lockDataDir(dir.path)).rejects.toThrow(`pid ${child.pid}:`);
  await child.kill("SIGKILL");
  const lock = await lockDataDir(dir.path);
  expect(await readdir(join(dir.path, "lock"))).toHaveLength(1);
  await lock.release();
});

test("a lock that names a pid which is another process's by now is stale", async () => {
  await mkdir(join(dir.path, "lock"));
  const claim = JSON.stringify({ pid: process.pid, mark: "of the process before" });
  await writeFile(join(dir.path, "lock", "7"), claim);
  await (await lockDataDir(dir.path)).release();
});

test("a torn lock is stale", async () => {
  await mkdir(join(dir.path, "lock"));
  await writeFile(join(dir.path, "lock", "1"), '{"pid":');
  await (await lockDataDir(dir.path)).release();
});

test("of many that take a stale lock over at once exactly one gets it, round after round", async () => {
  await mkdir(join(dir.path, "lock"));
  await writeFile(join(dir.path, "lock", "1"), JSON.stringify({ pid: process.pid, mark: "old" }));
  for (let round = 0; round < 30; round += 1) {
    const tries = await Promise.allSettled([1, 2, 3, 4, 5, 6].map(() => lockDataDir(dir.path)));
    const won = tries.flatMap((tried) => (tried.status === "fulfilled" ? [tried.value] : []));
    expect(won).toHaveLength(1);
    await won[0]?.release();
  }
});

test("takers that come and go never hold it together", async () => {
  let holding = 0;
  let held = 0;
  const taker = async (): Promise<void> => {
    for (let round = 0; round < 40; round += 1) {
      const lock = await lockDataDir(dir.path).catch(() => undefined);
      if (lock === undefined) continue;
      holding += 1;
      held += 1;
      expect(holding).toBe(1);
      await new Promise((resolve) => setImmediate(resolve));
      holding -= 1;
      await lock.release();
    }
  };
  await Promise.all([1, 2, 3, 4, 5].map(taker));
  expect(held).toBeGreaterThan(10);
});

test("a process has the same mark each time, and none once it is gone", async () => {
  const mine = await processStart(process.pid);
  expect(mine).toEqual(await processStart(process.pid));
  expect(Math.abs((mine?.at ?? 0) - (Date.now() / 1000 - process.uptime()))).toBeLessThan(5);
  const child = await holder(dir.path);
  const its = await processStart(child.pid);
  expect(its?.mark).not.toBe(mine?.mark);
  await child.kill();
  expect(await processStart(child.pid)).toBeUndefined();
});
