import { readFile } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { type Config, ConfigError, parseConfig } from "./config-schema.ts";
import type { PlacementConfig } from "./config-storage.ts";
import { parseYaml } from "./interpolate.ts";

/** What flags and environment say; each wins over the file. */
export interface Overrides {
  readonly host?: string | undefined;
  readonly port?: number | undefined;
  readonly dataDir?: string | undefined;
  readonly databaseUrl?: string | undefined;
  readonly tls?: { readonly cert: string; readonly key: string } | undefined;
}

/**
 * Reads `file` (defaults alone without one), fills in variables, checks it. Folders in the file are relative to the
 * file, those in flags to the working directory. Throws `ConfigError`.
 */
export const loadConfig = async (
  file: string | undefined,
  overrides: Overrides,
  env: Readonly<Record<string, string | undefined>>,
): Promise<Config> => {
  const read = file === undefined ? {} : parseYaml(await textOf(file), env);
  const config = parseConfig(read);
  const base = file === undefined ? process.cwd() : dirname(resolve(file));
  const given = Object.fromEntries(
    Object.entries(overrides).filter(([, value]) => value !== undefined),
  );
  const placed = <S extends { readonly options: { readonly root?: string | undefined } }>(
    spec: S,
  ): S =>
    spec.options.root === undefined
      ? spec
      : { ...spec, options: { ...spec.options, root: resolve(base, spec.options.root) } };
  const scripted = (spec: PlacementConfig): PlacementConfig =>
    spec.provisioning?.file === undefined
      ? spec
      : {
          ...spec,
          provisioning: { ...spec.provisioning, file: resolve(base, spec.provisioning.file) },
        };
  const merged: Config = {
    ...config,
    dataDir: resolve(base, config.dataDir),
    placements: Object.fromEntries(
      Object.entries(config.placements).map(([name, spec]) => [name, scripted(placed(spec))]),
    ),
    mounts: config.mounts.map(placed),
    backends: Object.fromEntries(
      Object.entries(config.backends).map(([name, spec]) => [name, placed(spec)]),
    ),
    ...given,
  };
  if (!Object.hasOwn(merged.placements, merged.defaultPlacement))
    throw new ConfigError([`defaultPlacement: there is no placement '${merged.defaultPlacement}'`]);
  const rootless = merged.mounts.find(
    (mount) => mount.backend === "local" && mount.options.root === undefined,
  );
  if (rootless !== undefined)
    throw new ConfigError([`mounts: ${rootless.path} is local and needs options.root`]);
  return { ...merged, dataDir: resolve(merged.dataDir) };
};

const textOf = async (file: string): Promise<string> => {
  try {
    return await readFile(file, "utf8");
  } catch (error) {
    const missing = error instanceof Error && "code" in error && error.code === "ENOENT";
    throw new ConfigError([
      missing
        ? `${file}: there is no such file`
        : `${file}: ${error instanceof Error ? error.message : "cannot be read"}`,
    ]);
  }
};
