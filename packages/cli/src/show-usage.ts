import type { UsageReport } from "@bulkhead/contract";
import type { Cli } from "./cli.ts";
import { table } from "./table.ts";

/** Shows what a tenant uses, resource by resource, and what is nearly used up. */
export const showUsage = async (cli: Cli, report: UsageReport): Promise<void> => {
  if (cli.out.json) return cli.out.document(report);
  const { usage, limits, utilization, warnings, plan } = report;
  await cli.out.line(`plan: ${plan ?? "none"}`);
  const columns = [
    { title: "RESOURCE", value: (name: string) => name },
    { title: "USED", align: "right", value: (name: string) => String(usage[name] ?? 0) },
    {
      title: "LIMIT",
      align: "right",
      value: (name: string) => String(limits[name] ?? "unlimited"),
    },
    {
      title: "PERCENT",
      align: "right",
      value: (name: string) => String(utilization[name] ?? ""),
    },
  ] as const;
  for (const line of table(columns, Object.keys(utilization))) await cli.out.line(line);
  for (const warning of warnings) await cli.out.line(`warning: ${warning}`);
};
