import type { Command } from "commander";
import { once } from "node:events";
import { resolve } from "node:path";
import type { Bind, Cli } from "../cli.ts";
import { UsageError } from "../failure.ts";

interface Flags {
  readonly host?: string;
  readonly port?: string;
  readonly dataDir?: string;
  readonly databaseUrl?: string;
  readonly config?: string;
  readonly tlsCert?: string;
  readonly tlsKey?: string;
}

const portOf = (text: string): number =>
  /^\d{1,5}$/.test(text) && Number(text) < 65_536
    ? Number(text)
    : (() => {
        throw new UsageError(`'${text}' is not a port`);
      })();

/** Flag over environment; what neither says is left to the config file and the server's own defaults. */
const optionsOf = (cli: Cli, flags: Flags) => {
  const { env, cwd } = cli.io;
  const given = (flag: string | undefined, name: string): string | undefined => {
    const value = flag ?? env[name];
    return value === "" ? undefined : value;
  };
  const file = (flag: string | undefined, name: string): string | undefined => {
    const value = given(flag, name);
    return value === undefined ? undefined : resolve(cwd, value);
  };
  const port = given(flags.port, "BULKHEAD_PORT");
  return {
    host: given(flags.host, "BULKHEAD_HOST"),
    port: port === undefined ? undefined : portOf(port),
    dataDir: file(flags.dataDir, "BULKHEAD_DATA_DIR"),
    databaseUrl: given(flags.databaseUrl, "BULKHEAD_DATABASE_URL"),
    config: file(flags.config, "BULKHEAD_CONFIG"),
    tlsCert: file(flags.tlsCert, "BULKHEAD_TLS_CERT"),
    tlsKey: file(flags.tlsKey, "BULKHEAD_TLS_KEY"),
    platformKey: given(undefined, "BULKHEAD_PLATFORM_KEY"),
    masterKey: given(undefined, "BULKHEAD_MASTER_KEY"),
    env,
  };
};

export const addServe = (program: Command, bind: Bind): void => {
  program
    .command("serve")
    .description("run a server; each flag has its variable: BULKHEAD_HOST, BULKHEAD_PORT, …")
    .option("--host <address>", "where to listen (127.0.0.1)")
    .option("--port <number>", "where to listen (2026; 0 takes a free one)")
    .option("--data-dir <folder>", "where everything is kept (./data)")
    .option("--database-url <url>", "postgres://…, instead of the embedded one")
    .option("--config <file>", "bulkhead.yaml: placements, mounts, limits")
    .option("--tls-cert <file>", "a certificate chain in PEM")
    .option("--tls-key <file>", "its private key in PEM")
    .action(
      bind(async (cli, flags: Flags) => {
        const options = optionsOf(cli, flags);
        // The server and its database are loaded for this verb alone.
        const { serve } = await import("@bulkhead/server");
        const server = await serve(options, {
          out: (line) => cli.io.stdout.write(`${line}\n`),
          err: (line) => cli.io.stderr.write(`${line}\n`),
        });
        if (cli.signal === undefined) throw new UsageError("serve needs a signal that ends it");
        if (!cli.signal.aborted) await once(cli.signal, "abort");
        await server.close();
      }),
    );
};
