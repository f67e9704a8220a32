import type { Command } from "commander";
import type { Bind, Cli } from "../cli.ts";
import { about, UsageError } from "../failure.ts";
import { humanSize } from "../human.ts";
import { folderSource } from "../import/folder-source.ts";
import { importTree } from "../import/import-tree.ts";
import { serverSource } from "../import/server-source.ts";
import type { ImportSource } from "../import/source.ts";
import { spelled, withoutSlash } from "../place.ts";
import { wholeNumber } from "../values.ts";

interface Flags {
  readonly dryRun?: boolean;
  readonly removeSource?: boolean;
  readonly concurrency: number;
}

/** `s3://` is a bucket, `alias:/path` a tree on a server, `:/path` one on the target's own; everything else a folder. */
const sourceOf = async (cli: Cli, text: string): Promise<ImportSource> => {
  if (text.startsWith("s3://")) {
    // Loaded for buckets alone: every other command would wait for it.
    const { bucketSource } = await import("../import/bucket-source.ts");
    return bucketSource(cli, text);
  }
  const remote = /^(?:[A-Za-z0-9][A-Za-z0-9_.-]+)?:\//.test(text);
  if (!remote) return folderSource(cli.io.cwd, text);
  const place = await cli.place(text.startsWith(":") ? text.slice(1) : text);
  return serverSource(place, cli.signal);
};

const run = async (cli: Cli, from: string, to: string, flags: Flags): Promise<void> => {
  const source = await sourceOf(cli, from);
  try {
    await bring(cli, source, [from, to], flags);
  } finally {
    await source.close();
  }
};

const bring = async (
  cli: Cli,
  source: ImportSource,
  [from, to]: readonly [string, string],
  flags: Flags,
): Promise<void> => {
  const place = await cli.place(to);
  const target = { ...place, path: withoutSlash(place.path) };
  if (source.holds(target))
    throw new UsageError(`'${to}' lies in '${from}'; it would be imported into itself`);
  const { dryRun = false, removeSource = false, concurrency } = flags;
  const report = await about(spelled(target, target.path), () =>
    importTree(cli, {
      source,
      target,
      concurrency,
      dryRun,
      removeSource,
    }),
  );
  if (cli.out.json && !dryRun) await cli.out.document({ source: from, target: to, ...report });
  const { files, bytes, failed, removed } = report;
  const what = `${files} ${files === 1 ? "file" : "files"}, ${humanSize(bytes)}`;
  if (dryRun) cli.out.note(`${what} would be imported; nothing was.`);
  else if (failed === 0) cli.out.note(`${what} imported and verified.`);
  if (removed > 0) cli.out.note(`${removed} removed from the source.`);
};

export const addImportTree = (program: Command, bind: Bind): void => {
  program
    .command("import-tree")
    .description(
      "bring a folder, a bucket or a tree of a server into a workspace; go on where a run was killed",
    )
    .argument("<source>", "a folder, s3://bucket/prefix, alias:/path, or :/path on the same server")
    .argument("<target>", "where it goes: what lies in the source will lie in it")
    .option("--dry-run", "list what would be imported, and what could not be")
    .option("--remove-source", "remove each file there once all of them were read again here")
    .option("--concurrency <n>", "how many files at once", wholeNumber, 16)
    .action(bind(run));
};
