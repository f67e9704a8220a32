import { stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { tempDir } from "@bulkhead/harness";
import { describe, expect, it } from "vitest";
import { type MasterKey, openMasterKeys } from "./master-key.ts";

const openMasterKey = async (dataDir: string, masterKey: string | undefined): Promise<MasterKey> =>
  (await openMasterKeys(dataDir, { masterKey })).current;

describe("the master key", () => {
  it("is made once, whoever is first, in a file of mode 0600", async () => {
    await using dir = await tempDir();
    const keys = await Promise.all(
      Array.from({ length: 8 }, () => openMasterKey(dir.path, undefined)),
    );
    expect(new Set(keys.map((key) => key.fingerprint)).size).toBe(1);
    expect((await stat(join(dir.path, "master-key"))).mode & 0o777).toBe(0o600);
    expect((await openMasterKey(dir.path, undefined)).fingerprint).toBe(keys[0]?.fingerprint);
  });

  it("derives another secret for each purpose, and tells none of them by its fingerprint", async () => {
    await using dir = await tempDir();
    const key = await openMasterKey(dir.path, "m".repeat(32));
    const hex = (purpose: string): string => Buffer.from(key.derive(purpose)).toString("hex");
    expect(hex("cursor")).toHaveLength(64);
    expect(hex("cursor")).not.toBe(hex("certificate"));
    expect(hex("cursor")).not.toContain(key.fingerprint);
    expect((await openMasterKey(dir.path, "n".repeat(32))).fingerprint).not.toBe(key.fingerprint);
  });

  it("refuses a weak one, and an empty file", async () => {
    await using dir = await tempDir();
    await expect(openMasterKey(dir.path, "short")).rejects.toThrow("32");
    await writeFile(join(dir.path, "master-key"), "\n");
    await expect(openMasterKey(dir.path, undefined)).rejects.toThrow("master-key");
  });
});
