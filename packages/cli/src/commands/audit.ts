import type { Command } from "commander";
import type { Bind } from "../cli.ts";
import { showRecords } from "../show.ts";
import { oneOf, time, wholeNumber } from "../values.ts";

interface Flags {
  readonly tenant?: string;
  readonly actor?: string;
  readonly action?: string;
  readonly result?: "success" | "denied";
  readonly since?: string;
  readonly until?: string;
  readonly limit?: number;
}

async function* first<T>(items: AsyncIterable<T>, count: number): AsyncGenerator<T> {
  let left = count;
  for await (const item of items) {
    yield item;
    left -= 1;
    if (left <= 0) return;
  }
}

export const addAudit = (program: Command, bind: Bind): void => {
  const audit = program.command("audit").description("read the audit log");
  audit
    .command("list")
    .description("list what was done and what was denied")
    .option("--tenant <id>")
    .option("--actor <subject>")
    .option("--action <name>")
    .option("--result <result>", "success or denied", oneOf(["success", "denied"]))
    .option("--since <time>", "2026-11-21, or with a time", time)
    .option("--until <time>", "2026-11-21, or with a time", time)
    .option("--limit <n>", "the most entries", wholeNumber)
    .action(
      bind(async (cli, { limit = Infinity, ...filter }: Flags) => {
        const { audit: log } = await cli.remote();
        const pageSize = limit < 100 ? limit : undefined;
        const entries = log.list(filter, { pageSize, signal: cli.signal });
        await showRecords(cli, first(entries, limit), [
          { title: "AT", value: ({ at }) => at },
          { title: "TENANT", value: ({ tenant }) => tenant ?? "-" },
          { title: "ACTOR", value: ({ actor }) => actor },
          { title: "ACTION", value: ({ action }) => action },
          { title: "RESULT", value: ({ result }) => result },
          { title: "RESOURCE", value: ({ resource }) => resource },
        ]);
      }),
    );
};
