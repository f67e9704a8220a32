import type { FileData, RemoteStats } from "@bulkhead/client";
import type { Command } from "commander";
import { lstat } from "node:fs/promises";
import { basename, resolve } from "node:path";
import type { Bind, Cli } from "../cli.ts";
import { about, Failure, UsageError } from "../failure.ts";
import { localTree } from "../local-tree.ts";
import { withLocalSource } from "../local-source.ts";
import { destination, type Place, spelled, withoutSlash } from "../place.ts";
import { pool } from "../pool.ts";
import { startProgress } from "../progress.ts";
import { putResumed } from "../resumed.ts";
import { joined } from "../relative.ts";
import { pairs, wholeNumber } from "../values.ts";

interface Flags {
  readonly recursive?: boolean;
  readonly clobber: boolean;
  readonly ifMatch?: string;
  readonly contentType?: string;
  readonly meta?: Readonly<Record<string, string>>;
  readonly resume?: boolean;
  readonly concurrency: number;
}

type Send = (data: FileData, size: number | undefined) => Promise<RemoteStats>;

async function* counted(
  source: AsyncIterable<Uint8Array>,
  seen: (bytes: number) => void,
): AsyncGenerator<Uint8Array> {
  for await (const chunk of source) {
    yield chunk;
    seen(chunk.length);
  }
}

/** Sends one local file, or stdin for `-`, with a bar. */
const sendLocal = async (cli: Cli, source: string, send: Send): Promise<void> => {
  const quiet = cli.flags.quiet === true;
  const isStdin = source === "-";
  const file = resolve(cli.io.cwd, source);
  const size = isStdin ? undefined : await about(source, () => lstat(file).then((s) => s.size));
  const progress = startProgress(cli.io, isStdin ? "stdin" : basename(file), size, quiet);
  try {
    const stat = isStdin
      ? await send(counted(cli.io.stdin, progress.advance), undefined)
      : await withLocalSource(file, progress.advance, ({ data, size: exact }) => send(data, exact));
    if (cli.out.json) await cli.out.record(stat);
  } catch (error) {
    // The server's answers are about the target; everything else happened here.
    throw error instanceof Failure || error instanceof UsageError || "status" in Object(error)
      ? error
      : new Failure(source, error);
  } finally {
    progress.stop();
  }
};

const writeTo =
  (cli: Cli, { remote }: Place, path: string, flags: Flags): Send =>
  (data, size) =>
    remote.writeFile(path, data, {
      size,
      signal: cli.signal,
      ifMatch: flags.ifMatch,
      flag: flags.clobber ? "w" : "wx",
      contentType: flags.contentType,
      metadata: flags.meta,
    });

const putTree = async (
  cli: Cli,
  source: string,
  place: Place,
  base: string,
  flags: Flags,
): Promise<void> => {
  const root = resolve(cli.io.cwd, source);
  const progress = startProgress(cli.io, basename(root), 0, cli.flags.quiet === true);
  const count = (bytes: number): void => progress.advance(bytes);
  try {
    await pool(localTree(root), flags.concurrency, (entry) =>
      cli.each([entry], async ({ file, below, kind }) => {
        const path = below.length === 0 ? base : joined(base, below.join("/"));
        if (kind === "skipped")
          return cli.out.note(`skipped ${file}: neither a file nor a directory`);
        await about(spelled(place, path), async () => {
          if (kind === "empty")
            return place.remote.mkdir(path, { recursive: true, signal: cli.signal });
          await withLocalSource(file, count, async ({ data, size }) => {
            progress.grow(size ?? 0);
            const stat = await writeTo(cli, place, path, flags)(data, size);
            if (cli.out.json) await cli.out.record(stat);
          });
        });
      }),
    );
  } finally {
    progress.stop();
  }
};

const putInParts = async (
  cli: Cli,
  source: string,
  { remote }: Place,
  path: string,
  flags: Flags,
): Promise<void> => {
  const file = resolve(cli.io.cwd, source);
  const size = await about(source, () => lstat(file).then((s) => s.size));
  const progress = startProgress(cli.io, basename(file), size, cli.flags.quiet === true);
  try {
    const stat = await putResumed({
      remote,
      path,
      file,
      env: cli.io.env,
      signal: cli.signal,
      seen: progress.advance,
      write: {
        ifMatch: flags.ifMatch,
        flag: flags.clobber ? "w" : "wx",
        contentType: flags.contentType,
        metadata: flags.meta,
      },
    });
    if (cli.out.json) await cli.out.record(stat);
  } finally {
    progress.stop();
  }
};

const put = async (cli: Cli, source: string, target: string, flags: Flags): Promise<void> => {
  const place = await cli.place(target);
  if (source === "-" && place.path.endsWith("/"))
    throw new UsageError("stdin has no name; name the target");
  const path = destination(place.path, basename(resolve(cli.io.cwd, source)));
  const isTree =
    source !== "-" &&
    flags.recursive === true &&
    (await about(source, () => lstat(resolve(cli.io.cwd, source)))).isDirectory();
  if (flags.resume === true && (isTree || source === "-"))
    throw new UsageError("--resume is for files: it has to read parts of them again");
  if (flags.resume === true)
    await about(spelled(place, path), () => putInParts(cli, source, place, path, flags));
  else if (isTree) await putTree(cli, source, place, withoutSlash(path), flags);
  else
    await about(spelled(place, path), () =>
      sendLocal(cli, source, writeTo(cli, place, path, flags)),
    );
};

/** `put` and `append`: from here to there. */
export const addPut = (program: Command, bind: Bind): void => {
  program
    .command("put")
    .description("upload files, or with -r directories; - is stdin")
    .argument(
      "<source...>",
      "local names, and last the remote target; with a slash at its end: into it",
    )
    .option("-r, --recursive", "directories with all that is in them")
    .option("-n, --no-clobber", "fail where something is there")
    .option("--if-match <etag>", "replace only the content that has this ETag")
    .option("--content-type <type>", "text/csv, say")
    .option("--meta <name=value>", "metadata; may be repeated", pairs)
    .option("--resume", "send in parts, and go on where an earlier call broke off")
    .option("--concurrency <n>", "how many files at once with -r", wholeNumber, 8)
    .action(
      bind(async (cli, names: readonly string[], flags: Flags) => {
        const sources = names.slice(0, -1);
        const target = names.at(-1) ?? "";
        if (sources.length === 0)
          throw new UsageError("put takes a source and a target: put a.txt /data/a.txt");
        if (sources.length > 1 && !target.endsWith("/"))
          throw new UsageError(`several sources go into a directory: write '${target}/'`);
        await cli.each(sources, (source) => put(cli, source, target, flags));
      }),
    );
  program
    .command("append")
    .description("append a local file, or stdin, in one step")
    .argument("<source>", "a local name, or -")
    .argument("<path>")
    .action(
      bind(async (cli, source: string, text: string) => {
        const place = await cli.place(text);
        await about(text, () =>
          sendLocal(cli, source, (data, size) =>
            place.remote.appendFile(place.path, data, { size, signal: cli.signal }),
          ),
        );
      }),
    );
};
