import { randomBytes } from "node:crypto";
import { mkdir, open, readFile, rename, rm, stat } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";
import { UsageError } from "./failure.ts";
import type { Terminal } from "./terminal.ts";

export interface Profile {
  readonly url: string;
  readonly key: string;
  readonly workspacePrefix?: string;
}

export interface Config {
  /** The profile that is meant where none is named. */
  readonly default?: string;
  readonly profiles: Readonly<Record<string, Profile>>;
}

/** What an alias looks like. One letter would be a drive in Windows. */
export const profileName: RegExp = /^[A-Za-z0-9][A-Za-z0-9_.-]+$/;

/** The folder that holds the configuration: `$XDG_CONFIG_HOME/bulkhead`. */
const configFolder = (env: Terminal["env"]): string => {
  const base = env["XDG_CONFIG_HOME"];
  const home = env["HOME"];
  return join(
    base !== undefined && base !== ""
      ? base
      : join(home === undefined || home === "" ? homedir() : home, ".config"),
    "bulkhead",
  );
};

export const configPath = (env: Terminal["env"]): string => join(configFolder(env), "config.json");

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

const profileOf = (value: unknown): Profile | undefined => {
  if (!isRecord(value)) return undefined;
  const { url, key, workspacePrefix } = value;
  if (typeof url !== "string" || typeof key !== "string") return undefined;
  if (workspacePrefix === undefined) return { url, key };
  return typeof workspacePrefix === "string" ? { url, key, workspacePrefix } : undefined;
};

const parse = (text: string, file: string): Config => {
  const bad = (what: string): never => {
    throw new UsageError(`${file}: ${what}; mend or remove the file`);
  };
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return bad("this is not JSON");
  }
  if (!isRecord(value) || !isRecord(value["profiles"])) return bad("'profiles' is missing");
  const profiles: Record<string, Profile> = {};
  for (const [name, entry] of Object.entries(value["profiles"]))
    profiles[name] = profileOf(entry) ?? bad(`profile '${name}' has no url or no key`);
  const standard = value["default"];
  return typeof standard === "string" ? { default: standard, profiles } : { profiles };
};

/** Reads the configuration; none is an empty one. Refuses a file that others can read, since it holds keys. */
export const readConfig = async (env: Terminal["env"]): Promise<Config> => {
  const file = configPath(env);
  let text: string;
  try {
    text = await readFile(file, "utf8");
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT")
      return { profiles: {} };
    throw error;
  }
  if (process.platform !== "win32" && ((await stat(file)).mode & 0o077) !== 0)
    throw new UsageError(`${file} holds keys and others can open it; run: chmod 600 ${file}`);
  return parse(text, file);
};

/** Replaces the configuration in one step, readable by its owner alone. */
export const writeConfig = async (env: Terminal["env"], config: Config): Promise<void> => {
  await mkdir(configFolder(env), { recursive: true, mode: 0o700 });
  const file = configPath(env);
  const staged = `${file}.${randomBytes(6).toString("hex")}`;
  try {
    const handle = await open(staged, "wx", 0o600);
    try {
      await handle.writeFile(`${JSON.stringify(config, null, 2)}\n`);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(staged, file);
  } catch (error) {
    await rm(staged, { force: true });
    throw error;
  }
};
