import type { Command } from "commander";
import { once } from "node:events";
import type { Bind, Cli } from "../cli.ts";
import { UsageError } from "../failure.ts";
import { given, givenFile, type PlaceFlags, placeOf, withPlace } from "../server-place.ts";

interface Flags extends PlaceFlags {
  readonly host?: string;
  readonly port?: string;
  readonly tlsCert?: string;
  readonly tlsKey?: string;
}

const portOf = (text: string): number =>
  /^\d{1,5}$/.test(text) && Number(text) < 65_536
    ? Number(text)
    : (() => {
        throw new UsageError(`'${text}' is not a port`);
      })();

const optionsOf = (cli: Cli, flags: Flags) => {
  const port = given(cli, flags.port, "BULKHEAD_PORT");
  return {
    ...placeOf(cli, flags),
    host: given(cli, flags.host, "BULKHEAD_HOST"),
    port: port === undefined ? undefined : portOf(port),
    tlsCert: givenFile(cli, flags.tlsCert, "BULKHEAD_TLS_CERT"),
    tlsKey: givenFile(cli, flags.tlsKey, "BULKHEAD_TLS_KEY"),
    platformKey: given(cli, undefined, "BULKHEAD_PLATFORM_KEY"),
  };
};

export const addServe = (program: Command, bind: Bind): void => {
  withPlace(
    program
      .command("serve")
      .description("run a server; each flag has its variable: BULKHEAD_HOST, BULKHEAD_PORT, …")
      .option("--host <address>", "where to listen (127.0.0.1)")
      .option("--port <number>", "where to listen (2026; 0 takes a free one)"),
  )
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
