import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startEmbedded } from "@bulkhead/ledger";
import { query } from "@bulkhead/harness";

export interface DurablePostgres extends AsyncDisposable {
  readonly url: string;
  /** A folder on the same disk, for content. */
  readonly folder: string;
}

/** A PostgreSQL of its own that keeps what it acknowledges, in a folder that goes with it. */
export const durablePostgres = async (commitDelay: number): Promise<DurablePostgres> => {
  const folder = await mkdtemp(join(tmpdir(), "bulkhead-bench-"));
  const postgres = await startEmbedded({ dataDir: join(folder, "data") });
  await query(postgres.url, `alter system set commit_delay = ${commitDelay}`);
  await query(postgres.url, "alter system set commit_siblings = 0");
  await query(postgres.url, "select pg_reload_conf()");
  return {
    url: postgres.url,
    folder,
    [Symbol.asyncDispose]: async () => {
      await postgres.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
};
