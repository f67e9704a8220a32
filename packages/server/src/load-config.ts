import { readFile } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { type ConfigDocument, linesOf, readDocument } from "./config-document.ts";
import { ConfigError, type ConfigFault } from "./config-error.ts";
import { type Config, parseConfig } from "./config-schema.ts";
import type { PlacementConfig } from "./config-storage.ts";

/** What flags and environment say; each wins over the file. */
export interface Overrides {
  readonly host?: string | undefined;
  readonly port?: number | undefined;
  readonly dataDir?: string | undefined;
  readonly databaseUrl?: string | undefined;
  readonly tls?: { readonly cert: string; readonly key: string } | undefined;
}

/** A configuration, and the file that it is from. */
export interface ReadConfig {
  readonly config: Config;
  /** Undefined without a file. */
  readonly document: ConfigDocument | undefined;
}

type Env = Readonly<Record<string, string | undefined>>;

/**
 * Reads `file` (defaults alone without one), fills in variables, checks it. Folders in the file are relative to the
 * file, those in flags to the working directory. Throws `ConfigError`, whose faults name the file's lines.
 */
export const loadConfig = async (
  file: string | undefined,
  overrides: Overrides,
  env: Env,
): Promise<Config> => (await readConfig(file, overrides, env)).config;

/** The same, with where everything stands in the file. */
export const readConfig = async (
  file: string | undefined,
  overrides: Overrides,
  env: Env,
): Promise<ReadConfig> => {
  const document = file === undefined ? undefined : readDocument(await textOf(file), file, env);
  try {
    return { config: merged(file, document?.value ?? {}, overrides), document };
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    throw new ConfigError(error.faults, linesOf(document, file));
  }
};

const merged = (file: string | undefined, read: unknown, overrides: Overrides): Config => {
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
  const all: Config = {
    ...config,
    dataDir: resolve(base, config.dataDir),
    uploads: {
      ...config.uploads,
      ...(config.uploads.root !== undefined && { root: resolve(base, config.uploads.root) }),
    },
    placements: Object.fromEntries(
      Object.entries(config.placements).map(([name, spec]) => [name, scripted(placed(spec))]),
    ),
    mounts: config.mounts.map(placed),
    backends: Object.fromEntries(
      Object.entries(config.backends).map(([name, spec]) => [name, placed(spec)]),
    ),
    ...given,
  };
  const faults = [...placementFaults(all), ...bucketsFaults(all), ...rootlessFaults(all)];
  if (faults.length > 0) throw new ConfigError(faults);
  return { ...all, dataDir: resolve(all.dataDir) };
};

const placementFaults = ({ placements, defaultPlacement }: Config): readonly ConfigFault[] =>
  Object.hasOwn(placements, defaultPlacement)
    ? []
    : [
        {
          path: ["defaultPlacement"],
          message: `there is no placement '${defaultPlacement}'; there are: ${Object.keys(placements).join(", ")}`,
        },
      ];

const bucketsFaults = ({ placements, backends }: Config): readonly ConfigFault[] =>
  Object.entries(placements).flatMap(([name, { provisioning }]) => {
    const wanted = provisioning?.buckets?.backend;
    if (wanted === undefined) return [];
    const path = ["placements", name, "provisioning", "buckets", "backend"];
    const found = Object.hasOwn(backends, wanted) ? backends[wanted] : undefined;
    if (found === undefined) return [{ path, message: `there is no backend '${wanted}'` }];
    const { s3 } = found.options;
    const complete = s3?.accessKeyId !== undefined && s3.secretAccessKey !== undefined;
    const needs = "has to be of buckets, with accessKeyId and secretAccessKey, and not readOnly";
    return complete && !found.readOnly ? [] : [{ path, message: `'${wanted}' ${needs}` }];
  });

const rootlessFaults = ({ mounts }: Config): readonly ConfigFault[] =>
  mounts.flatMap(({ backend, options, path }, i) =>
    backend === "local" && options.root === undefined
      ? [{ path: ["mounts", i], message: `${path} is local and needs options.root, a folder` }]
      : [],
  );

const textOf = async (file: string): Promise<string> => {
  try {
    return await readFile(file, "utf8");
  } catch (error) {
    const missing = error instanceof Error && "code" in error && error.code === "ENOENT";
    const why = error instanceof Error ? error.message : "cannot be read";
    throw new ConfigError([
      { path: [], message: `${file}: ${missing ? "there is no such file" : why}` },
    ]);
  }
};
