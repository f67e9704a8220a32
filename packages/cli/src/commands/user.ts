import { type UserRole, userRoles } from "@bulkhead/contract";
import type { Command } from "commander";
import type { Bind } from "../cli.ts";
import { about } from "../failure.ts";
import { showRecord, showRecords } from "../show.ts";
import { tenantOf } from "../tenant-of.ts";
import { oneOf, someone } from "../values.ts";

type Someone = ReturnType<typeof someone>;

interface Flags {
  readonly tenant?: string;
}

interface ProfileFlags extends Flags {
  readonly email?: string;
  readonly name?: string;
  readonly role?: UserRole;
}

const types = ["user", "agent", "service"] as const;
const statuses = ["active", "suspended"] as const;
const tenantFlag = ["--tenant <id>", "the key's own by default"] as const;
const whoArgument = ["<id>", "alice@acme.com; agent:<id> or service:<id>", someone] as const;
const roleFlag = ["--role <role>", userRoles.join(", "), oneOf(userRoles)] as const;

/** An empty text takes the value away. */
const orNull = (text: string | undefined): string | null | undefined => (text === "" ? null : text);

export const addUser = (program: Command, bind: Bind): void => {
  const user = program
    .command("user")
    .description("look after the people, agents and services of a tenant");
  user
    .command("create")
    .description("make a user; the role gives its relations")
    .argument(...whoArgument)
    .option(...tenantFlag)
    .option("--email <address>", "one in the tenant has it")
    .option("--name <text>", "the full name")
    .option(...roleFlag)
    .action(
      bind(async (cli, { type, id }: Someone, flags: ProfileFlags) => {
        const { remote, tenant } = await tenantOf(cli, flags.tenant);
        const { email, name: fullName, role } = flags;
        const input = { id, type, email, fullName, role };
        await about(id, async () =>
          showRecord(cli, await remote.users.create(tenant, input, { signal: cli.signal })),
        );
      }),
    );
  user
    .command("ls")
    .alias("list")
    .description("list users")
    .option(...tenantFlag)
    .option("--type <type>", types.join(", "), oneOf(types))
    .action(
      bind(async (cli, { tenant: named, type }: Flags & { readonly type?: Someone["type"] }) => {
        const { remote, tenant } = await tenantOf(cli, named);
        await showRecords(cli, remote.users.list(tenant, { type }, { signal: cli.signal }), [
          { title: "ID", value: (row) => (row.type === "user" ? row.id : `${row.type}:${row.id}`) },
          { title: "ROLE", value: ({ role }) => role },
          { title: "STATUS", value: ({ status }) => status },
          { title: "E-MAIL", value: ({ email }) => email ?? "-" },
          { title: "NAME", value: ({ fullName }) => fullName ?? "-" },
        ]);
      }),
    );
  user
    .command("get")
    .description("show a user")
    .argument(...whoArgument)
    .option(...tenantFlag)
    .action(
      bind(async (cli, { type, id }: Someone, flags: Flags) => {
        const { remote, tenant } = await tenantOf(cli, flags.tenant);
        const options = { type, signal: cli.signal };
        await about(id, async () => showRecord(cli, await remote.users.get(tenant, id, options)));
      }),
    );
  user
    .command("set")
    .alias("update")
    .description("change a user; another role gives other relations")
    .argument(...whoArgument)
    .option(...tenantFlag)
    .option("--email <address>", "'' takes it away")
    .option("--name <text>", "'' takes it away")
    .option(...roleFlag)
    .option(
      "--status <status>",
      "suspended cuts its keys off; active lets them in",
      oneOf(statuses),
    )
    .action(
      bind(
        async (
          cli,
          { type, id }: Someone,
          flags: ProfileFlags & { readonly status?: (typeof statuses)[number] },
        ) => {
          const { remote, tenant } = await tenantOf(cli, flags.tenant);
          const { email, name, role, status } = flags;
          const patch = { email: orNull(email), fullName: orNull(name), role, status };
          const options = { type, signal: cli.signal };
          await about(id, async () =>
            showRecord(cli, await remote.users.update(tenant, id, patch, options)),
          );
        },
      ),
    );
  user
    .command("rm")
    .alias("delete")
    .description("remove users with their keys and every relation that names them")
    .argument("<id...>", "alice@acme.com; agent:<id> or service:<id>")
    .option(...tenantFlag)
    .action(
      bind(async (cli, ids: readonly string[], flags: Flags) => {
        const { remote, tenant } = await tenantOf(cli, flags.tenant);
        await cli.each(ids, async (text) => {
          const { type, id } = someone(text);
          await about(text, () => remote.users.delete(tenant, id, { type, signal: cli.signal }));
          if (cli.out.json) await cli.out.record({ id, type, removed: true });
        });
      }),
    );
};
