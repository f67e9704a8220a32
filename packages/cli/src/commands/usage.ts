import type { UsageStep } from "@bulkhead/contract";
import type { Command } from "commander";
import type { Bind } from "../cli.ts";
import { about } from "../failure.ts";
import { showUsage } from "../show-usage.ts";
import { table } from "../table.ts";
import { tenantOf } from "../tenant-of.ts";
import { oneOf, time } from "../values.ts";

interface Flags {
  readonly by?: UsageStep;
  readonly from?: string;
  readonly to?: string;
}

export const addUsage = (program: Command, bind: Bind): void => {
  program
    .command("usage")
    .description("show what a tenant uses of what it may, or what it did over time")
    .argument("[tenant]", "the key's own by default")
    .option("--by <step>", "hour, day or month (UTC)", oneOf(["hour", "day", "month"]))
    .option("--from <time>", "2026-11-21, or with a time; 24 hours ago by default", time)
    .option("--to <time>", "2026-11-21, or with a time; now by default", time)
    .action(
      bind(async (cli, named: string | undefined, { by, from, to }: Flags) => {
        const { remote, tenant } = await tenantOf(cli, named);
        const { signal } = cli;
        await about(tenant, async () => {
          if (by === undefined && from === undefined && to === undefined)
            return showUsage(cli, await remote.tenants.usage(tenant, { signal }));
          const history = await remote.tenants.usageOver(tenant, { by, from, to }, { signal });
          if (cli.out.json) return cli.out.document(history);
          const right = { align: "right" } as const;
          const lines = table(
            [
              { title: "FROM", value: (span) => span.from.slice(0, 16).replace("T", " ") },
              { title: "REQUESTS", ...right, value: (span) => String(span.requests) },
              { title: "READS", ...right, value: (span) => String(span.reads) },
              { title: "WRITES", ...right, value: (span) => String(span.writes) },
              { title: "SEARCHES", ...right, value: (span) => String(span.searches) },
              { title: "IN", ...right, value: (span) => String(span.bytesIn) },
              { title: "OUT", ...right, value: (span) => String(span.bytesOut) },
              { title: "BYTE-HOURS", ...right, value: (span) => String(span.byteHours) },
              { title: "USERS", ...right, value: (span) => String(span.users) },
            ],
            history.spans,
          );
          for (const line of lines) await cli.out.line(line);
        });
      }),
    );
};
