import type { ConfigPath } from "./config-error.ts";
import type { Config } from "./config-schema.ts";
import { type Overrides, readConfig } from "./load-config.ts";

/** What stands for a secret wherever a configuration is shown. */
const hidden = "***";

/** A setting in effect. */
export interface ShownSetting {
  /** `placements.standard.options.root` */
  readonly setting: string;
  /** A secret is `***`. */
  readonly value: unknown;
  /** `default`, a flag or variable, or file and line, with the variables that were filled in. */
  readonly from: string;
}

/** Settings that are secrets whole. SQL that makes roles has passwords in it. */
const secretNames: ReadonlySet<string> = new Set(["secretAccessKey", "sessionToken", "sql"]);

/** Hides what an address says of passwords. */
const withoutPassword = (text: string): string =>
  text
    .replace(/^([a-z][a-z0-9+.-]*:\/\/[^:@/?#]*):[^]*@/i, `$1:${hidden}@`)
    .replace(/([?&][^=&#]*(?:pass|secret|token|key)[^=&#]*=)[^&#]*/gi, `$1${hidden}`);

const shown = (path: ConfigPath, value: unknown): unknown => {
  // A placement may have any name: what the setting itself is called counts.
  const name = path.findLast((one) => typeof one === "string") ?? "";
  if (path.length > 1 && secretNames.has(name)) return hidden;
  return typeof value === "string" ? withoutPassword(value) : value;
};

function* leaves(value: unknown, path: ConfigPath): Generator<readonly [ConfigPath, unknown]> {
  const below: readonly (readonly [string | number, unknown])[] = Array.isArray(value)
    ? [...value.entries()]
    : typeof value === "object" && value !== null
      ? Object.entries(value)
      : [];
  if (below.length === 0) {
    if (value !== undefined) yield [path, value];
    return;
  }
  // A list of plain values is one setting.
  if (Array.isArray(value) && value.every((item) => typeof item !== "object")) yield [path, value];
  else for (const [name, item] of below) yield* leaves(item, [...path, name]);
}

/** The configuration that a server would start with, without its secrets. */
export interface ShownConfig {
  readonly config: Config;
  readonly settings: readonly ShownSetting[];
}

/**
 * Reads a configuration as `loadConfig` does and tells of each setting where it is from. `origins` are the names of the
 * flags or variables that `overrides` came by.
 */
export const showConfig = async (
  file: string | undefined,
  overrides: Overrides,
  origins: Readonly<Partial<Record<keyof Overrides, string>>>,
  env: Readonly<Record<string, string | undefined>>,
): Promise<ShownConfig> => {
  const { config, document } = await readConfig(file, overrides, env);
  const given: Readonly<Record<string, string | undefined>> = origins;
  const fromOf = (path: ConfigPath): string => {
    const flag = Object.hasOwn(given, String(path[0])) ? given[String(path[0])] : undefined;
    if (flag !== undefined) return flag;
    if (document?.says(path) !== true) return "default";
    const variables = document.variablesAt(path).map((name) => `\${${name}}`);
    return [`${file}:${document.lineOf(path) ?? 1}`, ...variables].join(" ");
  };
  return {
    config,
    settings: [...leaves(config, [])].map(([path, value]) => ({
      setting: path.join("."),
      value: shown(path, value),
      from: fromOf(path),
    })),
  };
};
