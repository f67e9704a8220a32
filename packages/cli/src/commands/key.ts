import type { Command } from "commander";
import { about } from "../failure.ts";
import type { Bind, Cli } from "../cli.ts";
import { shortTime } from "../human.ts";
import { showRecord, showRecords } from "../show.ts";
import { scopeList, seconds, subject, time } from "../values.ts";
import { type PlaceFlags, placeOf, withPlace } from "../server-place.ts";
import type { Keys } from "@bulkhead/client";

type Minted = Awaited<ReturnType<Keys["create"]>>;

interface NarrowFlags {
  readonly name?: string;
  readonly prefix?: string;
  readonly scopes?: ReturnType<typeof scopeList>;
  readonly expires?: string;
}

interface CreateFlags extends NarrowFlags {
  readonly name: string;
  readonly tenant?: string;
  readonly subject?: ReturnType<typeof subject>;
}

/** With `--quiet` the secret alone, so that a script can keep it. */
const showMinted = async (cli: Cli, minted: Minted): Promise<void> => {
  if (cli.out.json) return cli.out.document(minted);
  if (cli.flags.quiet === true) return cli.out.line(minted.key ?? "");
  await showRecord(cli, minted);
  cli.out.note("The key is shown this once; keep it where nobody else reads.");
};

const patchOf = ({ name, prefix, scopes, expires }: NarrowFlags) => ({
  name,
  workspacePrefix: prefix,
  scopes,
  expiresAt: expires,
});

export const addKey = (program: Command, bind: Bind): void => {
  const key = program.command("key").description("mint, narrow and revoke keys");
  key
    .command("create")
    .alias("mint")
    .description("mint a key; its secret is shown once (alone, with --quiet)")
    .requiredOption("--name <text>", "what it is for")
    .option("--tenant <id>", "whose it is; where absent, the prefix tells")
    .option("--prefix <path>", "all that it reaches: /workspace/acme")
    .option("--scopes <list>", "read,write,share,admin", scopeList)
    .option("--subject <type:id>", "who it stands for: user:alice", subject)
    .option("--expires <time>", "2026-12-31, or with a time", time)
    .action(
      bind(async (cli, flags: CreateFlags) => {
        const { tenant, name, subject: who } = flags;
        const { keys } = await cli.remote();
        const input = { ...patchOf(flags), name, tenant, subject: who };
        await showMinted(cli, await keys.create(input, { signal: cli.signal }));
      }),
    );
  key
    .command("list")
    .description("list keys, without their secrets")
    .option("--tenant <id>")
    .action(
      bind(async (cli, { tenant }: { readonly tenant?: string }) => {
        const { keys } = await cli.remote();
        await showRecords(cli, keys.list({ tenant }, { signal: cli.signal }), [
          { title: "ID", value: ({ id }) => id },
          { title: "TENANT", value: (row) => row.tenant ?? "-" },
          { title: "REACHES", value: ({ workspacePrefix }) => workspacePrefix ?? "-" },
          { title: "SCOPES", value: ({ scopes }) => scopes.join(",") },
          { title: "EXPIRES", value: ({ expiresAt }) => shortTime(expiresAt) },
          { title: "REVOKED", value: ({ revokedAt }) => shortTime(revokedAt) },
          { title: "NAME", value: ({ name }) => name },
        ]);
      }),
    );
  key
    .command("get")
    .description("show a key, without its secret")
    .argument("<id>")
    .action(
      bind(async (cli, id: string) => {
        const { keys } = await cli.remote();
        await about(id, async () => showRecord(cli, await keys.get(id, { signal: cli.signal })));
      }),
    );
  key
    .command("update")
    .description("narrow a key")
    .argument("<id>")
    .option("--name <text>")
    .option("--prefix <path>", "deeper than before")
    .option("--scopes <list>", "fewer than before", scopeList)
    .option("--expires <time>", "sooner than before", time)
    .action(
      bind(async (cli, id: string, flags: NarrowFlags) => {
        const { keys } = await cli.remote();
        await about(id, async () =>
          showRecord(cli, await keys.update(id, patchOf(flags), { signal: cli.signal })),
        );
      }),
    );
  key
    .command("revoke")
    .description("end a key, and those minted with it, at once")
    .argument("<id...>")
    .action(
      bind(async (cli, ids: readonly string[]) => {
        const { keys } = await cli.remote();
        await cli.each(ids, async (id) => {
          await about(id, () => keys.revoke(id, { signal: cli.signal }));
          if (cli.out.json) await cli.out.record({ id, revoked: true });
        });
      }),
    );
  key
    .command("rotate")
    .description("mint a successor; its secret is shown once (alone, with --quiet)")
    .argument("<id>")
    .option(
      "--overlap <seconds>",
      "how long the old secret works on; not at all by default",
      seconds,
    )
    .action(
      bind(async (cli, id: string, { overlap }: { readonly overlap?: number }) => {
        const { keys } = await cli.remote();
        const input = { overlapSeconds: overlap };
        await about(id, async () =>
          showMinted(cli, await keys.rotate(id, input, { signal: cli.signal })),
        );
      }),
    );
  addRotateMaster(key, bind);
};

const addRotateMaster = (key: Command, bind: Bind): void => {
  withPlace(
    key
      .command("rotate-master")
      .description("replace the master key of a server on this machine, running or stopped")
      .option("--retire", "end the previous one, once every server has been started anew"),
  ).action(
    bind(async (cli, flags: PlaceFlags & { readonly retire?: boolean }) => {
      const { rotateMaster } = await import("@bulkhead/server");
      const { current, previous } = await rotateMaster({
        ...placeOf(cli, flags),
        retire: flags.retire,
      });
      await showRecord(cli, { current, previous: previous ?? null });
      if (previous !== undefined)
        cli.out.note(
          "Start every server anew; then 'bulkhead key rotate-master --retire' ends the previous key.",
        );
    }),
  );
};
