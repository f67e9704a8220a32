import type { Command } from "commander";
import { resolve } from "node:path";
import type { Cli } from "./cli.ts";

/** Flags that say which server of this machine is meant. */
export interface PlaceFlags {
  readonly dataDir?: string;
  readonly databaseUrl?: string;
  readonly config?: string;
}

/** Reads a setting: flag over environment; empty is none. */
export const given = (cli: Cli, flag: string | undefined, name: string): string | undefined => {
  const value = flag ?? cli.io.env[name];
  return value === "" ? undefined : value;
};

/** The same for a file or folder, against the working directory. */
export const givenFile = (cli: Cli, flag: string | undefined, name: string): string | undefined => {
  const value = given(cli, flag, name);
  return value === undefined ? undefined : resolve(cli.io.cwd, value);
};

/** Adds those flags to a command. */
export const withPlace = (command: Command): Command =>
  command
    .option("--data-dir <folder>", "where everything is kept (./data)")
    .option("--database-url <url>", "postgres://…, instead of the embedded one")
    .option("--config <file>", "bulkhead.yaml: placements, mounts, limits");

/** What flags and environment say. */
export interface GivenPlace {
  readonly dataDir: string | undefined;
  readonly databaseUrl: string | undefined;
  readonly config: string | undefined;
  readonly masterKey: string | undefined;
  readonly otherMasterKey: string | undefined;
  readonly env: Cli["io"]["env"];
}

/** Reads flags and environment; the rest is the config file's and the server's own defaults. */
export const placeOf = (cli: Cli, flags: PlaceFlags): GivenPlace => ({
  dataDir: givenFile(cli, flags.dataDir, "BULKHEAD_DATA_DIR"),
  databaseUrl: given(cli, flags.databaseUrl, "BULKHEAD_DATABASE_URL"),
  config: givenFile(cli, flags.config, "BULKHEAD_CONFIG"),
  masterKey: given(cli, undefined, "BULKHEAD_MASTER_KEY"),
  otherMasterKey: given(cli, undefined, "BULKHEAD_MASTER_KEY_OTHER"),
  env: cli.io.env,
});
