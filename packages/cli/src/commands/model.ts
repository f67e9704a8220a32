import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import type { Command } from "commander";
import type { Bind, Cli } from "../cli.ts";
import { about } from "../failure.ts";
import { shortTime } from "../human.ts";
import { showRecord, showRecords } from "../show.ts";

interface Flags {
  readonly tenant?: string;
}

const tenantFlag = ["--tenant <id>", "the key's own by default"] as const;

/** The text of a local file, or of stdin for `-`. */
const sourceOf = async ({ io }: Cli, file: string): Promise<string> => {
  if (file !== "-") return about(file, () => readFile(resolve(io.cwd, file), "utf8"));
  let text = "";
  for await (const chunk of io.stdin) text += String(chunk);
  return text;
};

export const addModel = (program: Command, bind: Bind): void => {
  const model = program
    .command("model")
    .description("keep a tenant's own models of relations (OpenFGA), for its own checks");
  model
    .command("put")
    .description("make a model, or put another in its place")
    .argument("<name>")
    .argument("<file>", "the DSL or JSON; - reads stdin")
    .option(...tenantFlag)
    .action(
      bind(async (cli, name: string, file: string, { tenant }: Flags) => {
        const source = await sourceOf(cli, file);
        const { models } = await cli.remote();
        await about(name, async () => {
          const put = await models.put({ name, source, tenant }, { signal: cli.signal });
          const { source: _, ...rest } = put;
          await showRecord(cli, cli.out.json ? put : rest);
        });
      }),
    );
  model
    .command("ls")
    .alias("list")
    .description("list models")
    .option(...tenantFlag)
    .action(
      bind(async (cli, { tenant }: Flags) => {
        const { models } = await cli.remote();
        await showRecords(cli, models.list({ tenant }, { signal: cli.signal }), [
          { title: "NAME", value: ({ name }) => name },
          { title: "TENANT", value: (row) => row.tenant },
          { title: "UPDATED", value: ({ updatedAt }) => shortTime(updatedAt) },
        ]);
      }),
    );
  model
    .command("get")
    .description("print a model as it was written")
    .argument("<name>")
    .option(...tenantFlag)
    .action(
      bind(async (cli, name: string, { tenant }: Flags) => {
        const { models } = await cli.remote();
        await about(name, async () => {
          const found = await models.get(name, { tenant, signal: cli.signal });
          await (cli.out.json
            ? cli.out.document(found)
            : cli.out.bytes(new TextEncoder().encode(found.source)));
        });
      }),
    );
  model
    .command("rm")
    .alias("delete")
    .description("remove models with all relations that stand on them")
    .argument("<name...>")
    .option(...tenantFlag)
    .action(
      bind(async (cli, names: readonly string[], { tenant }: Flags) => {
        const { models } = await cli.remote();
        await cli.each(names, async (name) => {
          await about(name, () => models.delete(name, { tenant, signal: cli.signal }));
          if (cli.out.json) await cli.out.record({ name, removed: true });
        });
      }),
    );
};
