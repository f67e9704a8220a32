import type { AuditVerdict } from "@bulkhead/contract";
import type { Command } from "commander";
import type { Bind } from "../cli.ts";
import { exits } from "../exit-codes.ts";
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
    .alias("ls")
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
  audit
    .command("verify")
    .description("recompute the chain of entries, and place what was changed, taken away or moved")
    .argument("[tenant]", "the key's own by default; the platform's for its key")
    .option("--all", "of the platform and every tenant, for the platform key")
    .action(
      bind(async (cli, tenant: string | undefined, { all }: { readonly all?: boolean }) => {
        const remote = await cli.remote();
        const { signal } = cli;
        const verify = async (id: string | undefined): Promise<void> => {
          const verdict = await remote.audit.verify(id, { signal });
          if (!verdict.ok) cli.end(exits.other);
          await (cli.out.json ? cli.out.record(verdict) : cli.out.line(verdictLine(verdict)));
        };
        await verify(tenant);
        if (all === true)
          for await (const { id } of remote.tenants.list({}, { signal }))
            await cli.each([id], verify);
      }),
    );
};

const verdictLine = ({ tenant, entries, signed, fault }: AuditVerdict): string => {
  const chain = tenant ?? "platform";
  const upTo = signed === null ? "no head is signed yet" : `signed up to ${signed}`;
  if (fault === null) return `${chain}: ${entries} entries follow from one another; ${upTo}`;
  const { n, to } = fault;
  const place = to === undefined || to === n ? `entry ${n}` : `an entry from ${n} to ${to}`;
  const what = fault.fault === "signature" ? "the signature is not good" : `it is ${fault.fault}`;
  return `${chain}: FAULT at ${place}: ${what}`;
};
