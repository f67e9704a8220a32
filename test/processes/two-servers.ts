import { randomBytes } from "node:crypto";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { bulkhead, type RunningBulkhead, tempDir, testDatabase } from "@bulkhead/harness";
import { migrate } from "@bulkhead/ledger";

/** One real server process of several on one ledger. */
export interface ServerProcess {
  readonly process: RunningBulkhead;
  readonly url: string;
}

export interface Servers extends AsyncDisposable {
  readonly platformKey: string;
  readonly dataDir: string;
  readonly databaseUrl: string;
  /** Starts one more; it ends with all of them. */
  readonly start: () => Promise<ServerProcess>;
}

/**
 * Makes a ledger and a data folder for server processes that share both, and the keys they start with. Tenants placed on
 * `versioned` are served by every process at once, those on `local` by the one that holds their lease.
 */
export const servers = async (placement: "versioned" | "local"): Promise<Servers> => {
  const database = await testDatabase({ migrate });
  const dir = await tempDir();
  const dataDir = join(dir.path, "data");
  const platformKey = `platform-${randomBytes(24).toString("hex")}`;
  const masterKey = randomBytes(32).toString("hex");
  const started: RunningBulkhead[] = [];
  const config = join(dir.path, "bulkhead.yaml");
  await writeFile(config, `defaultPlacement: ${placement}\n`);
  const shared = ["--config", config, "--data-dir", dataDir, "--database-url", database.url];
  return {
    platformKey,
    dataDir,
    databaseUrl: database.url,
    start: async () => {
      const process = bulkhead(["serve", "--port", "0", ...shared], {
        cwd: dir.path,
        env: { BULKHEAD_PLATFORM_KEY: platformKey, BULKHEAD_MASTER_KEY: masterKey },
      });
      started.push(process);
      return { process, url: await process.url(60_000) };
    },
    [Symbol.asyncDispose]: async () => {
      await Promise.all(started.map((process) => process.stop()));
      await database.close();
      await dir.remove();
    },
  };
};
