import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import { BulkheadError, type RemoteFS } from "@bulkhead/client";
import type { MountCredentials, MountInput, PlannedMounts } from "@bulkhead/contract";
import { plannedMounts, type WireMount } from "@bulkhead/wire";
import type { Command } from "commander";
import type { Bind, Cli } from "../cli.ts";
import { about, UsageError } from "../failure.ts";
import { showRecord, showRecords } from "../show.ts";
import { jsonObject } from "../values.ts";

interface PlanFlags {
  readonly backend?: string;
  readonly tenant?: string;
  readonly readOnly?: boolean;
  readonly folder?: string;
  readonly bucket?: string;
  readonly region?: string;
  readonly attested?: string;
  readonly priority?: string;
  readonly shadow?: boolean;
  readonly credentials?: string;
  readonly remove?: readonly string[];
}

/** A file's text, or that of stdin for `-`: what must not be seen among a machine's processes is never a flag. */
const textOf = async ({ io }: Cli, file: string): Promise<string> => {
  if (file !== "-") return about(file, () => readFile(resolve(io.cwd, file), "utf8"));
  let text = "";
  for await (const chunk of io.stdin) text += String(chunk);
  return text;
};

const credentialsOf = async (cli: Cli, file: string): Promise<MountCredentials> => {
  const found = Object.entries(jsonObject(await textOf(cli, file)));
  return Object.fromEntries(
    found.map(([name, value]) => {
      if (typeof value !== "string") throw new UsageError(`'${name}' in ${file} is no text`);
      return [name, value];
    }),
  );
};

const inputOf = (path: string, flags: PlanFlags): MountInput => {
  const { backend, tenant, readOnly, folder, bucket, shadow, region, attested, priority } = flags;
  if (backend === undefined) throw new UsageError("a mount needs --backend <name>");
  if (region !== undefined && attested !== undefined)
    throw new UsageError("either the storage says its --region, or you do with --attested");
  if (priority !== undefined && !/^-?\d{1,6}$/.test(priority))
    throw new UsageError("--priority is a whole number");
  return {
    path,
    backend,
    tenant,
    readOnly,
    folder,
    bucket,
    shadow,
    region: attested === undefined ? region : { attested },
    ...(priority !== undefined && { priority: Number(priority) }),
  };
};

/** The mount of an id, or the one at a path. */
const find = async (remote: RemoteFS, place: string, signal: AbortSignal | undefined) => {
  if (!place.startsWith("/")) return place;
  const here: WireMount[] = [];
  for await (const mount of remote.mounts.list({}, { signal }))
    if (mount.path === place) here.push(mount);
  const [only, ...others] = here;
  if (only === undefined)
    throw new BulkheadError("not-found", "Nothing is mounted there.", {
      status: 0,
      retryable: false,
    });
  if (others.length > 0)
    throw new UsageError(
      `several mounts are at ${place}: name one of ${here.map(({ id }) => id).join(", ")}`,
    );
  return only.id;
};

const showPlan = async (cli: Cli, planned: PlannedMounts): Promise<void> => {
  if (cli.out.json) return cli.out.document(planned);
  const { plan, hash } = planned;
  const { line } = cli.out;
  for (const { path, backend } of plan.add) await line(`mount ${path} on ${backend}`);
  for (const id of plan.remove) await line(`unmount ${id}`);
  for (const { path, kind } of plan.shadows) await line(`hides the ${kind} ${path}`);
  for (const id of plan.tenants) await line(`changes where files of ${id} lie`);
  for (const { path, content, metadata, attested } of plan.residency)
    await line(
      `${path}: content in ${content ?? "no named region"}${attested ? " (unverified)" : ""}, metadata in ${metadata ?? "no named region"}`,
    );
  for (const { path, detail } of plan.refusals) await line(`refused: ${path}: ${detail}`);
  await line(`hash ${hash}`);
  if (plan.refusals.length === 0)
    cli.out.note(
      "To do this: the same with --json > plan.json, then bulkhead mount apply plan.json",
    );
};

export const addMount = (program: Command, bind: Bind): void => {
  const mount = program
    .command("mount")
    .description("say which storage serves which part of the tree");
  mount
    .command("plan")
    .description("say what a change of mounts would do, and do nothing")
    .argument("[path]", "where to mount")
    .option("--backend <name>", "a template of the configuration's backends")
    .option("--tenant <id>", "refuse unless the path is on this tenant's ground")
    .option("--read-only", "refuse every change below it")
    .option("--folder <path>", "a place below the backend's, instead of one of the mount's own")
    .option("--bucket <name>", "instead of the backend's bucket")
    .option("--region <name>", "where the storage has to say that it is")
    .option("--attested <name>", "where you say that the storage is")
    .option("--priority <number>", "breaks a tie at one mount point, the greater first")
    .option("--shadow", "let the mount hide what is there")
    .option("--credentials <file>", "what opens the storage: an object in JSON; - reads stdin")
    .option("--remove <id...>", "unmount these")
    .action(
      bind(async (cli, path: string | undefined, flags: PlanFlags) => {
        const { mounts } = await cli.remote();
        const { credentials, remove = [] } = flags;
        const given = credentials === undefined ? undefined : await credentialsOf(cli, credentials);
        const changes = {
          add: path === undefined ? [] : [inputOf(path, flags)],
          remove,
          ...(path !== undefined && given !== undefined && { credentials: { [path]: given } }),
        };
        await about(path ?? "mounts", async () =>
          showPlan(cli, await mounts.plan(changes, { signal: cli.signal })),
        );
      }),
    );
  mount
    .command("apply")
    .description("do what was planned, if it would still do the same")
    .argument("<file>", "what 'mount plan --json' printed; - reads stdin")
    .option("--credentials <file>", "once more, where the plan was made with some")
    .action(
      bind(async (cli, file: string, { credentials }: Pick<PlanFlags, "credentials">) => {
        if (file === "-" && credentials === "-") throw new UsageError("stdin can be read once");
        const parsed = plannedMounts.safeParse(jsonObject(await textOf(cli, file)));
        if (!parsed.success) throw new UsageError(`${file} is no plan of 'mount plan --json'`);
        const own = credentials === undefined ? undefined : await credentialsOf(cli, credentials);
        const given =
          own && Object.fromEntries(parsed.data.plan.credentials.map((path) => [path, own]));
        const { mounts } = await cli.remote();
        await about(file, async () => {
          try {
            const made = await mounts.apply(parsed.data, {
              credentials: given,
              signal: cli.signal,
            });
            for (const one of made) await showRecord(cli, one);
          } catch (error) {
            if (error instanceof BulkheadError)
              for (const effect of error.fields.effects ?? []) cli.out.note(effect);
            throw error;
          }
        });
      }),
    );
  mount
    .command("ls")
    .alias("list")
    .description("list mounts, tenants' roots excepted")
    .option("--tenant <id>", "those on this tenant's ground")
    .action(
      bind(async (cli, { tenant }: Pick<PlanFlags, "tenant">) => {
        const { mounts } = await cli.remote();
        await showRecords(cli, mounts.list({ tenant }, { signal: cli.signal }), [
          { title: "PATH", value: ({ path }) => path },
          { title: "BACKEND", value: ({ backend }) => backend },
          {
            title: "REGION",
            value: ({ region, attested }) => `${region ?? ""}${attested ? "?" : ""}`,
          },
          { title: "MODE", value: ({ readOnly }) => (readOnly ? "ro" : "rw") },
          { title: "FROM", value: ({ origin }) => origin },
          { title: "ID", value: ({ id }) => id },
        ]);
      }),
    );
  mount
    .command("get")
    .description("show a mount, and whether it serves")
    .argument("<id|path>")
    .action(
      bind(async (cli, place: string) => {
        const remote = await cli.remote();
        await about(place, async () =>
          showRecord(
            cli,
            await remote.mounts.get(await find(remote, place, cli.signal), { signal: cli.signal }),
          ),
        );
      }),
    );
  mount
    .command("rm")
    .alias("delete")
    .description("unmount; what is in a storage of the mount's own has to be removed first")
    .argument("<id|path...>")
    .action(
      bind(async (cli, places: readonly string[]) => {
        const remote = await cli.remote();
        await cli.each(places, async (place) => {
          await about(place, async () =>
            remote.mounts.delete(await find(remote, place, cli.signal), { signal: cli.signal }),
          );
          if (cli.out.json) await cli.out.record({ mount: place, removed: true });
        });
      }),
    );
  mount
    .command("rotate")
    .description("try other credentials and put them in the place of a mount's")
    .argument("<id|path>")
    .requiredOption("--credentials <file>", "an object in JSON; - reads stdin")
    .action(
      bind(async (cli, place: string, { credentials }: { readonly credentials: string }) => {
        const remote = await cli.remote();
        const given = await credentialsOf(cli, credentials);
        await about(place, async () =>
          showRecord(
            cli,
            await remote.mounts.rotate(await find(remote, place, cli.signal), given, {
              signal: cli.signal,
            }),
          ),
        );
      }),
    );
};
