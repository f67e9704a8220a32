import { readdir } from "node:fs/promises";
import { join } from "node:path";

/** Names what a server's tenants have on disk of content that is not committed, or no more visible. */
export const staged = async (dataDir: string): Promise<readonly string[]> =>
  (await readdir(join(dataDir, "tenants"), { recursive: true })).filter((name) =>
    /\.bulkhead\/(?:staging|trash)\//.test(name),
  );
