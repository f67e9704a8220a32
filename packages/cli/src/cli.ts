import type { RemoteFS } from "@bulkhead/client";
import { connect, type ConnectionFlags } from "./connection.ts";
import { about, describeError, errorRecord, exitCodeOf } from "./failure.ts";
import { createOutput, type Output } from "./output.ts";
import { parsePlace, type Place } from "./place.ts";
import type { Terminal } from "./terminal.ts";

/** The flags that every command takes. */
export interface GlobalFlags extends ConnectionFlags {
  readonly json?: boolean | undefined;
  readonly quiet?: boolean | undefined;
}

/** What a command works with. */
export interface Cli {
  readonly io: Terminal;
  readonly out: Output;
  readonly flags: GlobalFlags;
  readonly signal: AbortSignal | undefined;
  /** The server of the flags, the environment or the default profile. */
  readonly remote: () => Promise<RemoteFS>;
  /** The server of a profile; without one as `remote`. */
  readonly server: (alias: string | undefined) => Promise<RemoteFS>;
  /** Reads `[alias:]/path`; the alias chooses the server. */
  readonly place: (text: string) => Promise<Place>;
  /** Does the same to each; a failure is reported, the rest goes on, and the run fails with the first one's code. */
  readonly each: <T>(
    items: Iterable<T> | AsyncIterable<T>,
    act: (item: T) => Promise<void>,
  ) => Promise<void>;
  /** Says that something failed; the run's exit code is that of the first. */
  readonly report: (error: unknown) => void;
  /** Makes the run exit with `code` although nothing failed: the answer is no. */
  readonly end: (code: number) => void;
  readonly exitCode: () => number;
}

export const createCli = (io: Terminal, flags: GlobalFlags): Cli => {
  const json = flags.json === true;
  const out = createOutput(io, { json, quiet: flags.quiet === true });
  const open = new Map<string | undefined, Promise<RemoteFS>>();
  let code = 0;

  const remoteOf = (alias: string | undefined): Promise<RemoteFS> => {
    const known = open.get(alias);
    if (known !== undefined) return known;
    const opened = connect({ ...flags, profile: alias ?? flags.profile }, io);
    open.set(alias, opened);
    return opened;
  };

  const report = (error: unknown): void => {
    if (code === 0) code = exitCodeOf(error);
    io.stderr.write(`${json ? errorRecord(error) : describeError(error)}\n`);
  };

  return {
    io,
    out,
    flags,
    signal: io.signal,
    remote: () => remoteOf(undefined),
    server: remoteOf,
    place: async (text) => {
      const { alias, path } = parsePlace(text);
      return { alias, path, text, remote: await remoteOf(alias) };
    },
    each: async (items, act) => {
      for await (const item of items) {
        try {
          await act(item);
        } catch (error) {
          io.signal?.throwIfAborted();
          report(error);
        }
      }
    },
    report,
    end: (no) => {
      if (code === 0) code = no;
    },
    exitCode: () => code,
  };
};

/** Runs `act` with the place that `text` names, whose failures are about it. */
export const at = async <T>(
  cli: Cli,
  text: string,
  act: (place: Place) => Promise<T>,
): Promise<T> => {
  const place = await cli.place(text);
  return about(text, () => act(place));
};

/** Makes an action of commander's out of what a command does. */
export type Bind = <A extends readonly unknown[]>(
  act: (cli: Cli, ...args: A) => Promise<void>,
) => (...args: A) => Promise<void>;
