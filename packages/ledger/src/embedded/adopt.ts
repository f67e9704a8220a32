import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { ensureDatabase, withConnection } from "./connection.ts";
import { type Postmaster, readPostmasterFile } from "./postmaster.ts";
import { isRunning } from "./process-start.ts";

/** What a postmaster has to be like to be adopted. */
export interface Expected {
  readonly cluster: string;
  readonly sockets: string;
  /** The arguments that it would be started with now. */
  readonly args: readonly string[];
  readonly version: string;
  readonly signal?: AbortSignal | undefined;
}

/** How long a postmaster that says it is ready may refuse connections, in ms. */
const patience = 5_000;

/**
 * Takes over a running postmaster: true once it answers and every other connection to it, the dead
 * server's, has ended. False if it cannot be taken over: its settings or version are not those of
 * today, it does not answer, or it is ending; the caller then stops it and starts anew.
 */
export async function adopt(postmaster: Postmaster, expected: Expected): Promise<boolean> {
  const { cluster, sockets, args, version, signal } = expected;
  if (!(await startedWith(cluster, args))) return false;
  let deadline = performance.now() + patience;
  while (await isRunning(postmaster.pid, postmaster.mark)) {
    signal?.throwIfAborted();
    try {
      const same = await withConnection(sockets, async (client) => {
        const asked = await client.query<{ version: string; folder: string }>(
          "select current_setting('server_version') as version, current_setting('data_directory') as folder",
        );
        if (asked.rows[0]?.version !== version || asked.rows[0].folder !== cluster) return false;
        // Waits for each to be gone: what it had begun must not commit after the new server has looked.
        await client.query(
          `select pg_catalog.pg_terminate_backend(pid, 10000) from pg_catalog.pg_stat_activity
            where backend_type = 'client backend' and pid <> pg_catalog.pg_backend_pid()`,
        );
        const left = await client.query(
          `select from pg_catalog.pg_stat_activity
            where backend_type = 'client backend' and pid <> pg_catalog.pg_backend_pid()`,
        );
        return left.rowCount === 0;
      });
      if (same) await ensureDatabase(sockets);
      return same;
    } catch {
      // Still recovering is not refusing: that may take as long as it takes.
      const ready = (await readPostmasterFile(cluster))?.ready === true;
      if (!ready) deadline = performance.now() + patience;
      if (performance.now() > deadline) return false;
      await sleep(20);
    }
  }
  return false;
}

// PostgreSQL writes there the program's path and then each argument in quotes.
async function startedWith(cluster: string, args: readonly string[]): Promise<boolean> {
  const options = await readFile(join(cluster, "postmaster.opts"), "utf8").catch(() => "");
  return options.trimEnd().endsWith(args.map((arg) => ` "${arg}"`).join(""));
}
