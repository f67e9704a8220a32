import type { Command } from "commander";
import type { Bind, Cli } from "../cli.ts";
import { type ServeFlags, type ServeGiven, serveOptions, withServeFlags } from "../serve-flags.ts";
import { table } from "../table.ts";

type Server = typeof import("@bulkhead/server");
type Shown = Awaited<ReturnType<Server["showConfig"]>>;
type Setting = Shown["settings"][number];

/** The flag and the variable that a setting may come by. */
const sources = {
  host: ["host", "--host", "BULKHEAD_HOST"],
  port: ["port", "--port", "BULKHEAD_PORT"],
  dataDir: ["dataDir", "--data-dir", "BULKHEAD_DATA_DIR"],
  databaseUrl: ["databaseUrl", "--database-url", "BULKHEAD_DATABASE_URL"],
  tls: ["tlsCert", "--tls-cert", "BULKHEAD_TLS_CERT"],
} as const satisfies Record<string, readonly [keyof ServeGiven & keyof ServeFlags, string, string]>;

const originsOf = (flags: ServeFlags, given: ServeGiven): Partial<Record<string, string>> =>
  Object.fromEntries(
    Object.entries(sources).flatMap(([setting, [name, flag, variable]]) =>
      given[name] === undefined ? [] : [[setting, flags[name] === undefined ? variable : flag]],
    ),
  );

/** Reads and checks what a server would start with. */
const inEffect = async (cli: Cli, flags: ServeFlags): Promise<Shown> => {
  const { checkConfig, showConfig, tlsOf } = await import("@bulkhead/server");
  const given = serveOptions(cli, flags);
  const { config: file, host, port, dataDir, databaseUrl } = given;
  const overrides = { host, port, dataDir, databaseUrl, tls: tlsOf(given) };
  const shown = await showConfig(file, overrides, originsOf(flags, given), given.env);
  await checkConfig(shown.config);
  return shown;
};

const valueOf = ({ value }: Setting): string =>
  typeof value === "string" ? value : JSON.stringify(value);

/** `config`: what a server of this machine would start with. */
export const addConfig = (program: Command, bind: Bind): void => {
  const config = program
    .command("config")
    .description("check and show what a server would start with");
  withServeFlags(
    config
      .command("validate")
      .description("check a bulkhead.yaml, the flags and the variables; each fault has its line"),
  ).action(
    bind(async (cli, flags: ServeFlags) => {
      const { settings } = await inEffect(cli, flags);
      const file = serveOptions(cli, flags).config ?? null;
      if (cli.out.json) return cli.out.document({ valid: true, file, settings: settings.length });
      return cli.out.line(`${file ?? "Without a file, the configuration"} is valid.`);
    }),
  );
  withServeFlags(
    config
      .command("print")
      .description("show every setting in effect and where it is from; secrets are ***"),
  ).action(
    bind(async (cli, flags: ServeFlags) => {
      const { settings } = await inEffect(cli, flags);
      if (cli.out.json) return cli.out.document({ settings });
      for (const line of table(
        [
          { title: "SETTING", value: ({ setting }: Setting) => setting },
          { title: "VALUE", value: valueOf },
          { title: "FROM", value: ({ from }) => from },
        ],
        settings,
      ))
        await cli.out.line(line);
    }),
  );
};
