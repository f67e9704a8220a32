import type { TenantStatus } from "@bulkhead/contract";
import type { Command } from "commander";
import type { Bind, Cli } from "../cli.ts";
import { about, UsageError } from "../failure.ts";
import { shortTime } from "../human.ts";
import { ask } from "../prompt.ts";
import { commaList, days, limits, oneOf, settings } from "../values.ts";
import { showRecord, showRecords } from "../show.ts";
import { showUsage } from "../show-usage.ts";
import { addTenantMove } from "./tenant-move.ts";

const statuses: readonly TenantStatus[] = [
  "provisioning",
  "trial",
  "active",
  "suspended",
  "cancelled",
  "deleting",
  "deleted",
];

type Limits = Readonly<Record<string, number | null>>;

interface CreateFlags {
  readonly name?: string;
  readonly plan?: string;
  readonly trialDays?: number;
  readonly root?: string;
  readonly subdomain?: string;
  readonly region?: string;
  readonly regions?: readonly string[];
  readonly limit?: Limits;
  readonly wait?: boolean;
}

interface UpdateFlags extends Pick<CreateFlags, "name" | "subdomain" | "limit"> {
  readonly rate?: Limits | false;
  readonly setting?: Readonly<Record<string, unknown>>;
}

interface DeleteFlags {
  readonly confirm?: string;
  readonly grace?: string;
  readonly wait?: boolean;
}

const remove = async (cli: Cli, id: string, flags: DeleteFlags): Promise<void> => {
  const flag = `--confirm ${id}`;
  const question = `This removes tenant ${id} with its data and keys. Its id, to confirm: `;
  const confirm = flags.confirm ?? (await ask(cli.io, question, flag));
  if (confirm !== id) throw new UsageError(`'${confirm}' is not '${id}'; nothing was removed`);
  const remote = await cli.remote();
  const { grace } = flags;
  const { job } = await remote.tenants.delete(id, { confirm, grace, signal: cli.signal });
  if (flags.wait === true) {
    const ended = await remote.jobs.wait(job, { signal: cli.signal });
    await showRecord(cli, ended);
    if (ended.state === "dead") throw new Error(`job ${job} failed: ${ended.error ?? "no reason"}`);
  } else {
    await (cli.out.json ? cli.out.document({ job }) : cli.out.line(job));
    cli.out.note(`Keys no longer work; the data goes with job ${job}: bulkhead job wait ${job}`);
  }
};

export const addTenant = (program: Command, bind: Bind): void => {
  const tenant = program.command("tenant").description("create, list and end tenants");
  tenant
    .command("create")
    .description("create a tenant with its workspace")
    .argument("<id>")
    .option("--name <text>", "for people; the id by default")
    .option("--plan <name>", "a plan of the server's configuration")
    .option("--trial-days <n>", "try it for so many days", days)
    .option("--root <path>", "/workspace/<id> by default, or /tenants/<id>")
    .option("--subdomain <name>")
    .option("--region <name>", "where its files are to be")
    .option("--regions <list>", "where its data may be: eu-west-1,eu-north-1", commaList)
    .option("--limit <resource=amount>", "bytes=10G, files=1000; may be repeated", limits)
    .option("--no-wait", "do not wait for a database that has to be made first")
    .action(
      bind(async (cli, id: string, flags: CreateFlags) => {
        const { regions: allowedRegions, limit, wait, ...rest } = flags;
        const onJob = (job: string): void =>
          cli.out.note(
            wait === false
              ? `It serves once job ${job} has made its database: bulkhead job wait ${job}`
              : `Its database is made by job ${job}.`,
          );
        const input = { id, ...rest, allowedRegions, limits: limit };
        const { tenants } = await cli.remote();
        await about(id, async () =>
          showRecord(cli, await tenants.create(input, { signal: cli.signal, wait, onJob })),
        );
      }),
    );
  tenant
    .command("list")
    .description("list tenants")
    .option("--status <status>", statuses.join(", "), oneOf(statuses))
    .action(
      bind(async (cli, { status }: { readonly status?: TenantStatus }) => {
        const { tenants } = await cli.remote();
        await showRecords(cli, tenants.list({ status }, { signal: cli.signal }), [
          { title: "ID", value: ({ id }) => id },
          { title: "STATUS", value: (row) => row.status },
          { title: "CREATED", value: ({ createdAt }) => shortTime(createdAt) },
          { title: "ROOTS", value: ({ roots }) => roots.join(" ") },
          { title: "NAME", value: ({ name }) => name },
        ]);
      }),
    );
  tenant
    .command("get")
    .description("show a tenant")
    .argument("<id>")
    .action(
      bind(async (cli, id: string) => {
        const { tenants } = await cli.remote();
        await about(id, async () => showRecord(cli, await tenants.get(id, { signal: cli.signal })));
      }),
    );
  tenant
    .command("update")
    .description("change a tenant")
    .argument("<id>")
    .option("--name <text>")
    .option("--subdomain <name>")
    .option("--limit <resource=amount>", "bytes=10G, files=unlimited; may be repeated", limits)
    .option(
      "--rate <name=amount>",
      "tenant=1000, key=unlimited (requests a minute), bytesPerSecond=10M; may be repeated",
      limits,
    )
    .option("--no-rate", "give its own rates up for the server's")
    .option("--setting <name=value>", "auditReads=true; may be repeated", settings)
    .action(
      bind(async (cli, id: string, flags: UpdateFlags) => {
        const { limit, rate, setting, ...rest } = flags;
        const { tenants } = await cli.remote();
        const patch = {
          ...rest,
          limits: limit,
          settings: setting,
          ...(rate !== undefined && { rateLimits: rate === false ? null : rate }),
        };
        await about(id, async () =>
          showRecord(cli, await tenants.update(id, patch, { signal: cli.signal })),
        );
      }),
    );
  tenant
    .command("upgrade")
    .description("put a tenant on another plan; its limits hold for the next request")
    .argument("<id>")
    .argument("<plan>")
    .option("--preview", "say what would change, and change nothing")
    .action(
      bind(async (cli, id: string, plan: string, flags: { readonly preview?: boolean }) => {
        const { tenants } = await cli.remote();
        const { signal } = cli;
        await about(id, async () =>
          showRecord(
            cli,
            await (flags.preview === true
              ? tenants.previewUpgrade(id, plan, { signal })
              : tenants.upgrade(id, plan, { signal })),
          ),
        );
      }),
    );
  tenant
    .command("usage")
    .description("show what a tenant uses of what it may")
    .argument("<id>")
    .action(
      bind(async (cli, id: string) => {
        const { tenants } = await cli.remote();
        await about(id, async () =>
          showUsage(cli, await tenants.usage(id, { signal: cli.signal })),
        );
      }),
    );
  tenant
    .command("health")
    .description("show how all tenants are; for the platform key")
    .action(
      bind(async (cli) => {
        const { tenants } = await cli.remote();
        await showRecord(cli, await tenants.health({ signal: cli.signal }));
      }),
    );
  tenant
    .command("suspend")
    .description("cut every key of a tenant off; its data stays")
    .argument("<id>")
    .option("--reason <text>")
    .action(
      bind(async (cli, id: string, { reason }: { readonly reason?: string }) => {
        const { tenants } = await cli.remote();
        await about(id, async () =>
          showRecord(cli, await tenants.suspend(id, { reason }, { signal: cli.signal })),
        );
      }),
    );
  tenant
    .command("reactivate")
    .description("let a suspended tenant in again")
    .argument("<id>")
    .action(
      bind(async (cli, id: string) => {
        const { tenants } = await cli.remote();
        await about(id, async () =>
          showRecord(cli, await tenants.reactivate(id, { signal: cli.signal })),
        );
      }),
    );
  addTenantMove(tenant, bind);
  tenant
    .command("delete")
    .description("remove a tenant with its data and keys")
    .argument("<id>")
    .option("--confirm <id>", "the id once more, instead of being asked")
    .option("--grace <duration>", "how long its data is kept: P0D, P30D")
    .option("--wait", "wait until the data is gone")
    .action(bind((cli, id: string, flags: DeleteFlags) => about(id, () => remove(cli, id, flags))));
};
