import type { Finding } from "@bulkhead/contract";
import { examineDatabase } from "./examine-database.ts";
import { examineDisks } from "./examine-disk.ts";
import { examineFolder } from "./examine-folder.ts";
import type { ExamineOptions } from "./examine-options.ts";
import { examineStaging } from "./examine-staging.ts";
import { examineStorages } from "./examine-storages.ts";

/**
 * Looks at a server of this machine from outside, running or stopped, for what keeps it from working. Starts nothing, and
 * changes nothing but a probe of some bytes that is taken away again.
 */
export async function* examine(options: ExamineOptions): AsyncGenerator<Finding> {
  const folder = await examineFolder(options);
  yield* folder;
  if (folder[0]?.state === "ok") yield* await examineDisks(options);
  const { findings, ledger } = await examineDatabase(options);
  yield* findings;
  yield* examineStorages(options, ledger);
  if (folder[0]?.state === "ok") yield* await examineStaging(options, ledger);
}
