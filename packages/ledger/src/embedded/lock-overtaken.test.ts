import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { tempDir } from "@bulkhead/harness";
import { expect, test, vi } from "vitest";
import { type DataDirLock, lockDataDir } from "./lock-data-dir.ts";

// The real link, after a pause in which others may act.
const pause = vi.hoisted((): { once?: (() => Promise<void>) | undefined } => ({}));
vi.mock("node:fs/promises", async (original) => {
  const real = await original<typeof import("node:fs/promises")>();
  const link: typeof real.link = async (from, to) => {
    const { once } = pause;
    pause.once = undefined;
    await once?.();
    return real.link(from, to);
  };
  return { ...real, link };
});

test("a taker that others overtook after it saw the lock stale does not take it from them", async () => {
  await using dir = await tempDir();
  await mkdir(join(dir.path, "lock"));
  await writeFile(join(dir.path, "lock", "1"), JSON.stringify({ pid: process.pid, mark: "old" }));
  let holder: DataDirLock | undefined;
  pause.once = async () => {
    await (await lockDataDir(dir.path)).release();
    holder = await lockDataDir(dir.path);
  };
  await expect(lockDataDir(dir.path)).rejects.toMatchObject({ code: "conflict" });
  expect(holder).toBeDefined();
  await holder?.release();
  await (await lockDataDir(dir.path)).release();
});
