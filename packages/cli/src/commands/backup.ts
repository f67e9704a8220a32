import type { Command } from "commander";
import { resolve } from "node:path";
import type { Bind, Cli } from "../cli.ts";
import { type PlaceFlags, placeOf, withPlace } from "../server-place.ts";
import { showRecord } from "../show.ts";
import { wholeNumber } from "../values.ts";

type Manifest = Awaited<ReturnType<typeof import("@bulkhead/server").backupServer>>;

const sum = (numbers: readonly number[]): number => numbers.reduce((a, b) => a + b, 0);

const show = async (cli: Cli, folder: string, manifest: Manifest): Promise<void> => {
  const { ledger, content, omitted, damaged } = manifest;
  await showRecord(cli, {
    folder,
    takenAt: manifest.takenAt,
    finishedAt: manifest.finishedAt,
    release: manifest.release,
    rows: sum(ledger.tables.map(({ rows }) => rows)),
    files: sum(content.places.map(({ files }) => files)),
    bytes: sum([...ledger.tables, ...content.places].map(({ bytes }) => bytes)),
    masterKey: manifest.masterKey !== undefined,
    omitted,
    damaged,
  });
};

const reasons = {
  memory: "it is in memory",
  "read-only": "it is mounted to be read only",
  "own-database": "it is in a database of its own",
  bucket: "it is in a bucket",
} as const satisfies Record<Manifest["omitted"][number]["why"], string>;

interface BackupFlags extends PlaceFlags {
  readonly to: string;
  readonly snapshotSeconds?: number;
  readonly includeMasterKey?: boolean;
  readonly withoutTenantDatabases?: boolean;
}

export const addBackup = (program: Command, bind: Bind): void => {
  withPlace(
    program
      .command("backup")
      .description("back up a server of this machine, running or stopped")
      .requiredOption("--to <folder>", "where; it must not be there yet"),
  )
    .option(
      "--snapshot-seconds <number>",
      "how long the ledger's snapshot may be held (60)",
      wholeNumber,
    )
    .option("--include-master-key", "keep the master key in the backup, too")
    .option("--without-tenant-databases", "tenants' own databases are backed up by other means")
    .action(
      bind(async (cli, flags: BackupFlags) => {
        const { backupServer } = await import("@bulkhead/server");
        const { snapshotSeconds, includeMasterKey, withoutTenantDatabases } = flags;
        const to = resolve(cli.io.cwd, flags.to);
        const manifest = await backupServer({
          ...placeOf(cli, flags),
          to,
          snapshotSeconds,
          includeMasterKey,
          withoutTenantDatabases,
          signal: cli.signal,
        });
        await show(cli, to, manifest);
        for (const { path, why } of manifest.omitted)
          cli.out.note(`Not in the backup: ${path}; ${reasons[why]}.`);
        if (manifest.masterKey === undefined)
          cli.out.note(
            "The master key is not in the backup: keep a copy elsewhere, without it the backup does not open.",
          );
        if (manifest.damaged.length > 0)
          cli.report(
            new Error(
              `The backup is whole but for ${manifest.damaged.length} contents that were damaged before; its manifest names them.`,
            ),
          );
      }),
    );
};

export const addRestore = (program: Command, bind: Bind): void => {
  withPlace(
    program
      .command("restore")
      .description("restore a backup into an empty data folder and database")
      .requiredOption("--from <folder>", "what 'bulkhead backup' made"),
  ).action(
    bind(async (cli, flags: PlaceFlags & { readonly from: string }) => {
      const { restoreServer } = await import("@bulkhead/server");
      const from = resolve(cli.io.cwd, flags.from);
      const { manifest, needsMasterKey } = await restoreServer({
        ...placeOf(cli, flags),
        from,
        signal: cli.signal,
      });
      await show(cli, from, manifest);
      if (needsMasterKey)
        cli.out.note(
          "Before the server is started, put the master key where it was: <data-dir>/master-key, or BULKHEAD_MASTER_KEY.",
        );
    }),
  );
};
