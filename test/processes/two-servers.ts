import { randomBytes } from "node:crypto";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import {
  bulkhead,
  type RunningBulkhead,
  runSource,
  tempDir,
  testDatabase,
} from "@bulkhead/harness";
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

export interface ServersOptions {
  /** More of a `bulkhead.yaml`. */
  readonly config?: string;
  /** Runs instead of the command, with the configuration, the data folder and the database as arguments. */
  readonly program?: string;
}

/**
 * Makes a ledger and a data folder for server processes that share both, and the keys they start with. Tenants placed on
 * `versioned` are served by every process at once, those on `local` by the one that holds their lease.
 */
export const servers = async (
  placement: string,
  { config: text = "", program }: ServersOptions = {},
): Promise<Servers> => {
  const database = await testDatabase({ migrate });
  const dir = await tempDir();
  const dataDir = join(dir.path, "data");
  const platformKey = `platform-${randomBytes(24).toString("hex")}`;
  const masterKey = randomBytes(32).toString("hex");
  const started: RunningBulkhead[] = [];
  const config = join(dir.path, "bulkhead.yaml");
  await writeFile(config, `defaultPlacement: ${placement}\n${text}`);
  const shared = ["--config", config, "--data-dir", dataDir, "--database-url", database.url];
  return {
    platformKey,
    dataDir,
    databaseUrl: database.url,
    start: async () => {
      const options = {
        cwd: dir.path,
        env: { BULKHEAD_PLATFORM_KEY: platformKey, BULKHEAD_MASTER_KEY: masterKey },
      };
      const process =
        program === undefined
          ? bulkhead(["serve", "--port", "0", ...shared], options)
          : runSource(program, [config, dataDir, database.url], options);
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
