import type { Command } from "commander";
import type { Bind } from "../cli.ts";
import { parseObject } from "../object.ts";
import { relationColumns } from "../relation-columns.ts";
import { showRecords } from "../show.ts";

interface Flags {
  readonly tenant?: string;
  readonly subject?: string;
  readonly relation?: string;
  readonly object?: string;
  readonly model?: string;
}

export const addRelation = (program: Command, bind: Bind): void => {
  const relation = program
    .command("relation")
    .description("look at relations: who is what on which file");
  relation
    .command("ls")
    .alias("list")
    .description("list relations")
    .option("--tenant <id>", "the object's tenant")
    .option("--subject <subject>", "user:alice, group:staff, …")
    .option("--relation <name>", "viewer, editor, owner, blocked, member, admin")
    .option("--object <path>", "a file or directory itself; or group:<id>, tenant:<id>")
    .option("--model <name>", "of this model of the tenant's own")
    .action(
      bind(async (cli, { object: text, ...flags }: Flags) => {
        const named = text === undefined ? undefined : parseObject(text);
        const { relations } = await cli.server(named?.alias);
        const filter = { ...flags, object: named?.object };
        await showRecords(cli, relations.list(filter, { signal: cli.signal }), relationColumns);
      }),
    );
  relation
    .command("audit")
    .description("list every relation that crosses tenants")
    .option("--tenant <id>", "the object's tenant")
    .action(
      bind(async (cli, { tenant }: { readonly tenant?: string }) => {
        const { relations } = await cli.remote();
        const filter = { tenant, crossing: true };
        await showRecords(cli, relations.list(filter, { signal: cli.signal }), relationColumns);
      }),
    );
};
