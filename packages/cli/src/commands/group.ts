import type { Command } from "commander";
import type { Bind } from "../cli.ts";
import { about } from "../failure.ts";
import { shortTime } from "../human.ts";
import { relationColumns } from "../relation-columns.ts";
import { showRecord, showRecords } from "../show.ts";
import { tenantOf } from "../tenant-of.ts";
import { time } from "../values.ts";

interface Flags {
  readonly tenant?: string;
}

const tenantFlag = ["--tenant <id>", "the key's own by default"] as const;

export const addGroup = (program: Command, bind: Bind): void => {
  const group = program.command("group").description("look after groups and who is in them");
  group
    .command("create")
    .description("make a group")
    .argument("<id>")
    .option(...tenantFlag)
    .action(
      bind(async (cli, id: string, flags: Flags) => {
        const { remote, tenant } = await tenantOf(cli, flags.tenant);
        await about(id, async () =>
          showRecord(cli, await remote.groups.create(tenant, id, { signal: cli.signal })),
        );
      }),
    );
  group
    .command("ls")
    .alias("list")
    .description("list groups")
    .option(...tenantFlag)
    .action(
      bind(async (cli, flags: Flags) => {
        const { remote, tenant } = await tenantOf(cli, flags.tenant);
        await showRecords(cli, remote.groups.list(tenant, { signal: cli.signal }), [
          { title: "ID", value: ({ id }) => id },
          { title: "CREATED", value: ({ createdAt }) => shortTime(createdAt) },
        ]);
      }),
    );
  group
    .command("rm")
    .alias("delete")
    .description("remove groups with every relation that names them")
    .argument("<id...>")
    .option(...tenantFlag)
    .action(
      bind(async (cli, ids: readonly string[], flags: Flags) => {
        const { remote, tenant } = await tenantOf(cli, flags.tenant);
        await cli.each(ids, async (id) => {
          await about(id, () => remote.groups.delete(tenant, id, { signal: cli.signal }));
          if (cli.out.json) await cli.out.record({ id, removed: true });
        });
      }),
    );
  group
    .command("add")
    .description("put somebody into a group")
    .argument("<group>")
    .argument("<subject...>", "user:alice, agent:…, group:other#member")
    .option(...tenantFlag)
    .option("--expires <time>", "2026-12-31, or with a time", time)
    .action(
      bind(
        async (
          cli,
          id: string,
          subjects: readonly string[],
          flags: Flags & { readonly expires?: string },
        ) => {
          const { remote, tenant } = await tenantOf(cli, flags.tenant);
          const options = { expiresAt: flags.expires, signal: cli.signal };
          await cli.each(subjects, async (subject) => {
            const added = await about(subject, () =>
              remote.groups.add(tenant, id, subject, options),
            );
            if (cli.out.json) await cli.out.record(added);
          });
        },
      ),
    );
  group
    .command("remove")
    .description("take somebody out of a group")
    .argument("<group>")
    .argument("<subject...>")
    .option(...tenantFlag)
    .action(
      bind(async (cli, id: string, subjects: readonly string[], flags: Flags) => {
        const { remote, tenant } = await tenantOf(cli, flags.tenant);
        await cli.each(subjects, async (subject) => {
          await about(subject, () =>
            remote.groups.remove(tenant, id, subject, { signal: cli.signal }),
          );
          if (cli.out.json) await cli.out.record({ group: id, subject, removed: true });
        });
      }),
    );
  group
    .command("members")
    .description("list who is in a group")
    .argument("<group>")
    .option(...tenantFlag)
    .action(
      bind(async (cli, id: string, flags: Flags) => {
        const { remote, tenant } = await tenantOf(cli, flags.tenant);
        const members = remote.groups.members(tenant, id, { signal: cli.signal });
        await about(id, () =>
          showRecords(
            cli,
            members,
            relationColumns.filter(({ title }) => ["SUBJECT", "EXPIRES", "BY"].includes(title)),
          ),
        );
      }),
    );
};
