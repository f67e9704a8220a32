import type { Command } from "commander";
import { at, type Bind, type Cli } from "../cli.ts";
import { about, UsageError } from "../failure.ts";
import { shortTime } from "../human.ts";
import { withoutSlash } from "../place.ts";
import { showRecord, showRecords } from "../show.ts";
import { days, oneOf, time, wholeNumber } from "../values.ts";

const statuses = ["active", "expired", "revoked"] as const;
const permissions = ["can_read", "can_write"] as const;

interface CreateFlags {
  readonly tenant?: string;
  readonly subject?: string;
  readonly link?: boolean;
  readonly permission?: (typeof permissions)[number];
  readonly expires?: string;
  readonly expiresIn?: number;
  readonly maxUses?: number;
  readonly password?: string;
}

interface ListFlags {
  readonly tenant?: string;
  readonly status?: (typeof statuses)[number];
}

/** A password as it was given, or the first line of stdin for `-`, where nobody sees it in a list of processes. */
const passwordOf = async (cli: Cli, flag: string | undefined): Promise<string | undefined> => {
  if (flag !== "-") return flag;
  let text = "";
  for await (const chunk of cli.io.stdin) text += String(chunk);
  const [line = ""] = text.split(/\r?\n/);
  if (line === "") throw new UsageError("there is no password on stdin");
  return line;
};

const create = async (cli: Cli, text: string, flags: CreateFlags): Promise<void> => {
  const { tenant, subject, link, permission, maxUses } = flags;
  if ([tenant, subject, link].filter((target) => target !== undefined).length !== 1)
    throw new UsageError("a share is with one of --tenant <id>, --subject <subject> and --link");
  const password = await passwordOf(cli, flags.password);
  await at(cli, text, async ({ remote, path }) => {
    const input = {
      path: withoutSlash(path),
      tenant,
      subject,
      link: link === true ? (true as const) : undefined,
      permission,
      expiresAt: flags.expires,
      expiresInDays: flags.expiresIn,
      maxUses,
      password,
    };
    const share = await remote.shares.create(input, { signal: cli.signal });
    if (link === true && cli.flags.quiet === true && !cli.out.json)
      return cli.out.line(share.url ?? "");
    await showRecord(cli, share);
    if (link === true) cli.out.note("Whoever has the address has the file; it is shown this once.");
  });
};

export const addShare = (program: Command, bind: Bind): void => {
  const share = program
    .command("share")
    .description("let another tenant, somebody or whoever has a link use a file");
  share
    .command("create")
    .description("share a file or directory (a link's address alone, with --quiet)")
    .argument("<path>")
    .option("--tenant <id>", "with every member of a tenant, who find it below shared/from-<yours>")
    .option("--subject <subject>", "with somebody: user:alice")
    .option("--link", "by an address that needs no key; for files")
    .option("--permission <permission>", "can_read (default) or can_write", oneOf(permissions))
    .option("--expires <time>", "2026-12-31, or with a time", time)
    .option("--expires-in <days>", "so many days from now", days)
    .option("--max-uses <n>", "of a link: how often it can be opened", wholeNumber)
    .option("--password <text>", "of a link: asked for when it is opened; - reads it from stdin")
    .action(bind(create));
  share
    .command("ls")
    .alias("list")
    .description("list what is shared, by your tenant and with it")
    .option("--tenant <id>", "with or by this one")
    .option("--status <status>", statuses.join(", "), oneOf(statuses))
    .action(
      bind(async (cli, flags: ListFlags) => {
        const { shares } = await cli.remote();
        await showRecords(cli, shares.list(flags, { signal: cli.signal }), [
          { title: "ID", value: ({ id }) => id },
          { title: "STATUS", value: ({ status }) => status },
          { title: "FROM", value: ({ sourceTenant }) => sourceTenant },
          {
            title: "WITH",
            value: ({ targetTenant, subject }) => targetTenant ?? subject ?? "link",
          },
          { title: "PERMISSION", value: ({ permission }) => permission },
          { title: "EXPIRES", value: ({ expiresAt }) => shortTime(expiresAt) },
          { title: "PATH", value: ({ path }) => path },
          { title: "FOUND AT", value: ({ target }) => target ?? "-" },
        ]);
      }),
    );
  share
    .command("revoke")
    .description("end a share at once")
    .argument("<id...>")
    .action(
      bind(async (cli, ids: readonly string[]) => {
        const { shares } = await cli.remote();
        await cli.each(ids, async (id) => {
          await about(id, () => shares.revoke(id, { signal: cli.signal }));
          if (cli.out.json) await cli.out.record({ id, revoked: true });
        });
      }),
    );
};
