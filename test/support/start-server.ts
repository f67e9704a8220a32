import { randomBytes } from "node:crypto";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { migrate } from "@bulkhead/ledger";
import { tempDir, testDatabase } from "@bulkhead/harness";
import { serve } from "@bulkhead/server";

export interface TestServer extends AsyncDisposable {
  readonly url: string;
  readonly platformKey: string;
  readonly dataDir: string;
  readonly databaseUrl: string;
  /** What the server wrote. */
  readonly lines: readonly string[];
}

/** Starts the real server in this process, on a database and a data folder of its own. `config` is the text of a `bulkhead.yaml`. */
export const startServer = async (
  options: { readonly config?: string } = {},
): Promise<TestServer> => {
  const database = await testDatabase({ migrate });
  const dir = await tempDir();
  const platformKey = `platform-${randomBytes(24).toString("hex")}`;
  const lines: string[] = [];
  const config = join(dir.path, "bulkhead.yaml");
  await writeFile(config, options.config ?? "{}");
  const server = await serve(
    {
      port: 0,
      config,
      dataDir: join(dir.path, "data"),
      databaseUrl: database.url,
      platformKey,
    },
    { out: (line) => lines.push(line), err: (line) => lines.push(line) },
  );
  return {
    url: server.url,
    platformKey,
    dataDir: join(dir.path, "data"),
    databaseUrl: database.url,
    lines,
    [Symbol.asyncDispose]: async () => {
      await server.close();
      await database.close();
      await dir[Symbol.asyncDispose]();
    },
  };
};
