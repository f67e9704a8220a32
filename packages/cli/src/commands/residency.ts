import type { Command } from "commander";
import type { Bind } from "../cli.ts";
import { exits } from "../exit-codes.ts";
import { about } from "../failure.ts";
import { shortTime } from "../human.ts";
import { showRecord, showRecords } from "../show.ts";

export const addResidency = (program: Command, bind: Bind): void => {
  const residency = program
    .command("residency")
    .description("say and see in which region tenants and their files are");
  residency
    .command("verify")
    .description(
      "look where each file of a tenant is; exits with 1 if one is not where it has to be",
    )
    .argument("<tenant>")
    .action(
      bind(async (cli, tenant: string) => {
        const remote = await cli.remote();
        const counts = new Map<string, number>();
        const count = (what: string): void => void counts.set(what, (counts.get(what) ?? 0) + 1);
        await about(tenant, async () => {
          for await (const item of remote.residency.verify(tenant, { signal: cli.signal })) {
            const { path, kind, content, metadata } = item;
            const name = kind === "versions" || kind === "removed" ? `${path} (${kind})` : path;
            const states = [content.state, metadata.state];
            const isWrong = states.includes("violated") || states.includes("unreachable");
            if (isWrong) cli.end(exits.other);
            for (const [what, { region, state }] of [
              ["content", content],
              ["metadata", metadata],
            ] as const)
              count(`${what} in ${region ?? "no named region"}: ${state}`);
            if (cli.out.json) await cli.out.record(item);
            else if (isWrong)
              await cli.out.line(`${name}  content ${content.state}, metadata ${metadata.state}`);
          }
        });
        if (!cli.out.json)
          for (const [what, n] of [...counts].toSorted(([a], [b]) => (a < b ? -1 : 1)))
            await cli.out.line(`${n}  ${what}`);
      }),
    );
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
              await remote.residency.directory.put({ tenant, ...flags }, { signal: cli.signal }),
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
        await showRecords(cli, remote.residency.directory.list({ signal: cli.signal }), [
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
          await about(tenant, () =>
            remote.residency.directory.delete(tenant, { signal: cli.signal }),
          );
          if (cli.out.json) await cli.out.record({ tenant, removed: true });
        });
      }),
    );
};
