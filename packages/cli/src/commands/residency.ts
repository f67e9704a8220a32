import type { Command } from "commander";
import type { Bind } from "../cli.ts";
import { about } from "../failure.ts";
import { shortTime } from "../human.ts";
import { showRecord, showRecords } from "../show.ts";

export const addResidency = (program: Command, bind: Bind): void => {
  const residency = program
    .command("residency")
    .description("say and see in which region tenants and their files are");
  const directory = residency
    .command("directory")
    .description("tell this server which tenants other regions' servers serve");
  directory
    .command("put")
    .description("tell where a tenant is served")
    .argument("<tenant>")
    .requiredOption("--region <name>", "one of the configuration's regions")
    .option("--subdomain <name>")
    .action(
      bind(
        async (
          cli,
          tenant: string,
          flags: { readonly region: string; readonly subdomain?: string },
        ) => {
          const remote = await cli.remote();
          await about(tenant, async () =>
            showRecord(
              cli,
              await remote.directory.put({ tenant, ...flags }, { signal: cli.signal }),
            ),
          );
        },
      ),
    );
  directory
    .command("ls")
    .alias("list")
    .description("list tenants of other regions")
    .action(
      bind(async (cli) => {
        const remote = await cli.remote();
        await showRecords(cli, remote.directory.list({ signal: cli.signal }), [
          { title: "TENANT", value: ({ tenant }) => tenant },
          { title: "REGION", value: ({ region }) => region },
          { title: "SUBDOMAIN", value: ({ subdomain }) => subdomain ?? "" },
          { title: "UPDATED", value: ({ updatedAt }) => shortTime(updatedAt) },
        ]);
      }),
    );
  directory
    .command("rm")
    .alias("delete")
    .description("forget where tenants are served")
    .argument("<tenant...>")
    .action(
      bind(async (cli, tenants: readonly string[]) => {
        const remote = await cli.remote();
        await cli.each(tenants, async (tenant) => {
          await about(tenant, () => remote.directory.delete(tenant, { signal: cli.signal }));
          if (cli.out.json) await cli.out.record({ tenant, removed: true });
        });
      }),
    );
};
