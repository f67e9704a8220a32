import type { QuotaAudit } from "@bulkhead/contract";
import type { Cli } from "./cli.ts";
import { exits } from "./exit-codes.ts";
import { table } from "./table.ts";

const drifts = ({ drift, storages }: QuotaAudit): boolean =>
  drift.bytes !== 0 ||
  drift.files !== 0 ||
  drift.versionBytes !== 0 ||
  storages.some(({ differences }) => differences.length > 0);

/** Shows what was counted beside what was found, and fails where they differ. */
export const showAudits = async (cli: Cli, audits: readonly QuotaAudit[]): Promise<void> => {
  if (audits.some(drifts)) cli.end(exits.other);
  if (cli.out.json) {
    for (const audit of audits) await cli.out.record(audit);
    return;
  }
  const amounts = ["bytes", "files", "versionBytes"] as const;
  const rows = audits.flatMap((audit) => amounts.map((name) => ({ audit, name })));
  for (const line of table(
    [
      { title: "TENANT", value: ({ audit }) => audit.tenant },
      { title: "RESOURCE", value: ({ name }) => name },
      { title: "COUNTED", align: "right", value: ({ audit, name }) => String(audit.counted[name]) },
      { title: "FOUND", align: "right", value: ({ audit, name }) => String(audit.found[name]) },
      { title: "DRIFT", align: "right", value: ({ audit, name }) => String(audit.drift[name]) },
    ],
    rows,
  ))
    await cli.out.line(line);
  for (const { storages } of audits)
    for (const { path, differences } of storages)
      for (const one of differences)
        await cli.out.line(
          `${path}: ${one.path} is ${one.found ?? "not there"}, charged ${one.charged ?? "nothing"}`,
        );
};
