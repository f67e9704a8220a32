import { readFile } from "node:fs/promises";
import { ConfigError, type ConfigFault } from "./config-error.ts";
import type { Config } from "./config-schema.ts";
import { placementsOf } from "./placements-of.ts";

const unreadable = async (path: ConfigFault["path"], file: string): Promise<ConfigFault[]> => {
  try {
    await readFile(file);
    return [];
  } catch (error) {
    const why = error instanceof Error && "code" in error ? String(error.code) : "unknown";
    return [{ path, message: `${file} cannot be read (${why}); name a file that this user can` }];
  }
};

/** Reads the files that a configuration names, as a start would. Throws `ConfigError`. */
export const checkConfig = async (config: Config): Promise<void> => {
  const { tls } = config;
  const faults =
    tls === undefined
      ? []
      : [
          ...(await unreadable(["tls", "cert"], tls.cert)),
          ...(await unreadable(["tls", "key"], tls.key)),
        ];
  for (const [name, { provisioning }] of Object.entries(config.placements))
    if (provisioning?.file !== undefined)
      faults.push(
        ...(await unreadable(["placements", name, "provisioning", "file"], provisioning.file)),
      );
  if (faults.length > 0) throw new ConfigError(faults);
  await placementsOf(config);
};
