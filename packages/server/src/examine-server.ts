import type { Finding } from "@bulkhead/contract";
import { examine } from "@bulkhead/engine";
import type { ServerPlace } from "./backup-server.ts";
import { checkConfig } from "./check-config.ts";
import { ConfigError } from "./config-error.ts";
import type { Config } from "./config-schema.ts";
import { loadConfig } from "./load-config.ts";
import { type GivenKeys, readMasterKeys } from "./master-key.ts";
import { placementsOf } from "./placements-of.ts";

export interface ExamineServerOptions extends ServerPlace, GivenKeys {
  /** True if a server answers where one is asked; undefined where none was. */
  readonly answers: boolean | undefined;
}

const fingerprints = (dataDir: string, given: GivenKeys): readonly string[] | undefined => {
  try {
    const { current, others } = readMasterKeys(dataDir, given);
    return [current, ...others].map(({ fingerprint }) => fingerprint);
  } catch {
    return undefined;
  }
};

/** Looks at a server of this machine for what keeps it from working: its configuration first, then all that it names. */
export async function* examineServer(options: ExamineServerOptions): AsyncGenerator<Finding> {
  let config: Config;
  const { config: file, dataDir, databaseUrl, env = process.env } = options;
  try {
    config = await loadConfig(file, { dataDir, databaseUrl }, env);
    await checkConfig(config);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return yield {
      check: "configuration",
      state: "failed",
      detail: error.message,
      next: "Correct it, and try again: bulkhead config validate.",
    };
  }
  yield { check: "configuration", state: "ok", detail: file ?? "without a file" };
  yield* examine({
    dataDir: config.dataDir,
    databaseUrl: config.databaseUrl,
    masterKeyFingerprints: fingerprints(config.dataDir, options),
    region: config.region,
    placements: await placementsOf(config),
    mounts: config.mounts,
    backends: config.backends,
    answers: options.answers,
    signal: options.signal ?? new AbortController().signal,
  });
}
