import type { Command } from "commander";
import type { Cli } from "./cli.ts";
import { UsageError } from "./failure.ts";
import {
  given,
  givenFile,
  type GivenPlace,
  type PlaceFlags,
  placeOf,
  withPlace,
} from "./server-place.ts";

/** Flags of `serve`. */
export interface ServeFlags extends PlaceFlags {
  readonly host?: string;
  readonly port?: string;
  readonly tlsCert?: string;
  readonly tlsKey?: string;
}

/** The same, from flags and environment. */
export interface ServeGiven extends GivenPlace {
  readonly host: string | undefined;
  readonly port: number | undefined;
  readonly tlsCert: string | undefined;
  readonly tlsKey: string | undefined;
  readonly platformKey: string | undefined;
}

const portOf = (text: string): number =>
  /^\d{1,5}$/.test(text) && Number(text) < 65_536
    ? Number(text)
    : (() => {
        throw new UsageError(`'${text}' is not a port`);
      })();

/** What flags and environment say of a server that is to be started. */
export const serveOptions = (cli: Cli, flags: ServeFlags): ServeGiven => {
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

/** Adds the flags of `serve` to a command. */
export const withServeFlags = (command: Command): Command =>
  withPlace(
    command
      .option("--host <address>", "where to listen (127.0.0.1)")
      .option("--port <number>", "where to listen (2026; 0 takes a free one)"),
  )
    .option("--tls-cert <file>", "a certificate chain in PEM")
    .option("--tls-key <file>", "its private key in PEM");
