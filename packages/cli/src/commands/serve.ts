import type { Command } from "commander";
import { once } from "node:events";
import type { Bind } from "../cli.ts";
import { UsageError } from "../failure.ts";
import { type ServeFlags, serveOptions, withServeFlags } from "../serve-flags.ts";
import { boundYoungGeneration } from "../young-generation.ts";

export const addServe = (program: Command, bind: Bind): void => {
  withServeFlags(
    program
      .command("serve")
      .description("run a server; each flag has its variable: BULKHEAD_HOST, BULKHEAD_PORT, …"),
  ).action(
    bind(async (cli, flags: ServeFlags) => {
      const options = serveOptions(cli, flags);
      boundYoungGeneration();
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
