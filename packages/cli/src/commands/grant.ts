import type { Command } from "commander";
import type { Bind, Cli } from "../cli.ts";
import { about, UsageError } from "../failure.ts";
import { exits } from "../exit-codes.ts";
import { parseObject } from "../object.ts";
import { showRecord } from "../show.ts";
import { jsonObject, time } from "../values.ts";

interface ObjectFlags {
  readonly tenant?: string;
  readonly subjectTenant?: string;
  readonly model?: string;
  readonly context?: ReturnType<typeof jsonObject>;
}

interface GrantFlags extends ObjectFlags {
  readonly expires?: string;
  readonly condition?: string;
}

const grant = async (
  cli: Cli,
  [subject, relation, text]: readonly [string, string, string],
  { expires, condition: name, context, ...flags }: GrantFlags,
): Promise<void> => {
  if (context !== undefined && name === undefined)
    throw new UsageError("--context belongs to --condition");
  const { alias, object } = parseObject(text);
  const { relations } = await cli.server(alias);
  const condition = name === undefined ? undefined : { name, context };
  const input = { ...flags, subject, relation, object, condition, expiresAt: expires };
  await about(text, async () =>
    showRecord(cli, await relations.grant(input, { signal: cli.signal })),
  );
};

const revoke = async (cli: Cli, what: readonly string[], flags: ObjectFlags): Promise<void> => {
  const [first = "", relation, text, ...more] = what;
  if (relation === undefined) {
    const { relations } = await cli.remote();
    await about(first, () => relations.revoke(first, { signal: cli.signal }));
    if (cli.out.json) await cli.out.record({ id: first, revoked: true });
    return;
  }
  if (text === undefined || more.length > 0)
    throw new UsageError("revoke takes the id of a relation, or <subject> <relation> <path>");
  const { alias, object } = parseObject(text);
  const { relations } = await cli.server(alias);
  const granted = { ...flags, subject: first, relation, object };
  const revoked = await about(text, () =>
    relations.revokeMatching(granted, { signal: cli.signal }),
  );
  if (cli.out.json) for (const { id } of revoked) await cli.out.record({ id, revoked: true });
};

const check = async (
  cli: Cli,
  [subject, permission, text]: readonly [string, string, string],
  flags: ObjectFlags,
): Promise<void> => {
  const { alias, object } = parseObject(text);
  const { relations } = await cli.server(alias);
  const input = { ...flags, subject, permission, object };
  const result = await about(text, () => relations.check(input, { signal: cli.signal }));
  if (!result.allowed) cli.end(exits.denied);
  if (cli.out.json) return cli.out.document(result);
  const why = result.reason === undefined ? "" : ` (${result.reason})`;
  await cli.out.line(`${result.allowed ? "allowed" : "denied"}${why}`);
};

const tenantFlag = [
  "--tenant <id>",
  "whose group or object it is, where it does not tell",
] as const;
const modelFlag = [
  "--model <name>",
  "a model of the tenant's own instead of the built-in one",
] as const;
const subjectTenantFlag = [
  "--subject-tenant <id>",
  "the subject's tenant, where it is another than the object's",
] as const;
const objectArgument = ["<path>", "a file or directory; or group:<id>, tenant:<id>"] as const;

/** `grant`, `revoke` and `check`: one relation at a time. */
export const addGrant = (program: Command, bind: Bind): void => {
  program
    .command("grant")
    .description(
      "give somebody a relation on a file, a directory and all below, a group or a tenant",
    )
    .argument("<subject>", "user:alice, agent:…, service:…, group:staff, tenant:beta, user:*")
    .argument(
      "<relation>",
      "viewer, editor, owner or blocked; of a tenant admin; of a group member",
    )
    .argument(...objectArgument)
    .option("--expires <time>", "2026-12-31, or with a time", time)
    .option(...subjectTenantFlag)
    .option(...tenantFlag)
    .option(...modelFlag)
    .option("--condition <name>", "with --model: what it holds under")
    .option("--context <json>", "with --condition: parameters that are known", jsonObject)
    .action(
      bind((cli, subject: string, relation: string, text: string, flags: GrantFlags) =>
        grant(cli, [subject, relation, text], flags),
      ),
    );
  program
    .command("revoke")
    .description("take a relation back; nothing that stands on it gets through any more")
    .argument("<what...>", "its id, or <subject> <relation> <path>")
    .option(...subjectTenantFlag)
    .option(...tenantFlag)
    .option(...modelFlag)
    .action(bind(revoke));
  program
    .command("check")
    .description("ask whether somebody may; exits with 10 where not")
    .argument("<subject>", "user:alice")
    .argument("<permission>", "can_read, can_write, can_share, or a relation")
    .argument(...objectArgument)
    .option(...subjectTenantFlag)
    .option(...tenantFlag)
    .option(...modelFlag)
    .option("--context <json>", "with --model: what conditions are judged with", jsonObject)
    .action(
      bind((cli, subject: string, permission: string, text: string, flags: ObjectFlags) =>
        check(cli, [subject, permission, text], flags),
      ),
    );
};
