import type { QuotaAnswer, QuotaAudit, QuotaEntries } from "@bulkhead/contract";
import type { Command } from "commander";
import type { Bind, Cli } from "../cli.ts";
import { exits } from "../exit-codes.ts";
import { about } from "../failure.ts";
import { showRecord } from "../show.ts";
import { showAudits } from "../show-audits.ts";
import { table } from "../table.ts";
import { limits, planLimits, wholeNumber } from "../values.ts";

type Limits = Readonly<Record<string, number | null>>;

interface SetFlags {
  readonly limit?: Readonly<Record<string, number | null | "plan">>;
  readonly soft?: Limits;
}

interface AmountFlags {
  readonly amount?: number;
}

const shown = (limit: number | null | undefined): string =>
  limit === null ? "unlimited" : limit === undefined ? "" : String(limit);

const showEntries = async (cli: Cli, entries: QuotaEntries): Promise<void> => {
  if (cli.out.json) return cli.out.document(entries);
  const rows = Object.entries(entries);
  for (const line of table(
    [
      { title: "RESOURCE", value: ([name]) => name },
      { title: "USED", align: "right", value: ([, { used }]) => String(used) },
      { title: "LIMIT", align: "right", value: ([, { limit }]) => shown(limit) },
      { title: "SOFT", align: "right", value: ([, { soft }]) => shown(soft) },
    ],
    rows,
  ))
    await cli.out.line(line);
};

/** Shows what became of it; a no is the exit code of a limit. */
const showAnswer = async (cli: Cli, answer: QuotaAnswer): Promise<void> => {
  await showRecord(cli, answer);
  if (!answer.allowed) cli.end(exits.limit);
};

const settingsOf = ({ limit = {}, soft = {} }: SetFlags) =>
  Object.fromEntries(
    [...new Set([...Object.keys(limit), ...Object.keys(soft)])].map((name) => [
      name,
      {
        ...(limit[name] !== undefined && { limit: limit[name] }),
        ...(soft[name] !== undefined && { soft: soft[name] }),
      },
    ]),
  );

export const addQuota = (program: Command, bind: Bind): void => {
  const quota = program.command("quota").description("look after what tenants may have");
  quota
    .command("get")
    .description("show what a tenant may have and has")
    .argument("<tenant>")
    .action(
      bind(async (cli, id: string) => {
        const remote = await cli.remote();
        await about(id, async () =>
          showEntries(cli, await remote.quota.get(id, { signal: cli.signal })),
        );
      }),
    );
  quota
    .command("set")
    .description("change limits of a tenant; they hold for the next request")
    .argument("<tenant>")
    .option(
      "--limit <resource=amount>",
      "bytes=10G, files=unlimited, users=plan; may be repeated",
      planLimits,
    )
    .option("--soft <resource=amount>", "tell beyond this, refuse nothing; may be repeated", limits)
    .action(
      bind(async (cli, id: string, flags: SetFlags) => {
        const remote = await cli.remote();
        await about(id, async () =>
          showEntries(cli, await remote.quota.set(id, settingsOf(flags), { signal: cli.signal })),
        );
      }),
    );
  quota
    .command("audit")
    .description("count what is really there, on every storage; exit code 1 where counters drift")
    .argument("[tenant]", "all tenants by default")
    .action(
      bind(async (cli, id?: string) => {
        const remote = await cli.remote();
        const { signal } = cli;
        const ids =
          id === undefined
            ? (await Array.fromAsync(remote.tenants.list({}, { signal }))).map((one) => one.id)
            : [id];
        const audits: QuotaAudit[] = [];
        for (const one of ids)
          await about(one, async () => {
            audits.push(await remote.quota.audit(one, { signal }));
          });
        await showAudits(cli, audits);
      }),
    );
  const verbs = [
    ["check", "say whether so much more of a resource would fit; exit code 12 if not"],
    ["increment", "add to a counter, if that fits; exit code 12 if not"],
    ["decrement", "take from a counter"],
  ] as const;
  for (const [verb, description] of verbs)
    quota
      .command(verb)
      .description(description)
      .argument("<tenant>")
      .argument("<resource>", "sandboxes, computeHours, or any other name")
      .option("--amount <n>", "1 by default", wholeNumber)
      .action(
        bind(async (cli, id: string, resource: string, { amount }: AmountFlags) => {
          const remote = await cli.remote();
          await about(id, async () =>
            showAnswer(cli, await remote.quota[verb](id, resource, { amount, signal: cli.signal })),
          );
        }),
      );
};
