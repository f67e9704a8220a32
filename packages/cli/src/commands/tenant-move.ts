import type { WireJob } from "@bulkhead/wire";
import type { Command } from "commander";
import type { Bind, Cli } from "../cli.ts";
import { about, UsageError } from "../failure.ts";
import { startProgress } from "../progress.ts";
import { showRecord } from "../show.ts";

interface Flags {
  readonly placement?: string;
  readonly keepSource?: boolean;
  readonly eraseSource?: boolean;
  readonly abort?: boolean;
  readonly wait: boolean;
}

const numberIn = (job: WireJob, name: string): number => {
  const value = job.progress[name];
  return typeof value === "number" ? value : 0;
};

/** Waits for a move, with a bar. */
const watch = async (cli: Cli, tenant: string, job: string): Promise<WireJob> => {
  const remote = await cli.remote();
  const progress = startProgress(cli.io, tenant, 0, cli.flags.quiet === true);
  let [done, whole] = [0, 0];
  try {
    return await remote.jobs.wait(job, {
      signal: cli.signal,
      intervalMs: 500,
      onProgress: (seen) => {
        const [bytes, ofBytes] = [numberIn(seen, "bytes"), numberIn(seen, "ofBytes")];
        progress.grow(Math.max(0, ofBytes - whole));
        progress.advance(Math.max(0, bytes - done));
        [done, whole] = [Math.max(done, bytes), Math.max(whole, ofBytes)];
      },
    });
  } finally {
    progress.stop();
  }
};

const abort = async (cli: Cli, id: string, wait: boolean): Promise<void> => {
  const { tenants, jobs } = await cli.remote();
  const { id: job } = await tenants.moveOf(id, { signal: cli.signal });
  const told = await jobs.abort(job, { signal: cli.signal });
  // Ended as `dead`: that is what was asked for.
  await showRecord(cli, wait ? await jobs.wait(job, { signal: cli.signal }) : told);
};

const move = async (cli: Cli, id: string, flags: Flags): Promise<void> => {
  const { placement, keepSource, eraseSource } = flags;
  if (placement === undefined) throw new UsageError("say where to: --placement <name>");
  if (keepSource === true && eraseSource === true)
    throw new UsageError("--keep-source and --erase-source exclude each other");
  const remote = await cli.remote();
  const source = eraseSource === true ? "erase" : "keep";
  const { job } = await remote.tenants.move(id, { placement, source }, { signal: cli.signal });
  if (!flags.wait) {
    await (cli.out.json ? cli.out.document({ job }) : cli.out.line(job));
    return cli.out.note(`The tenant goes on being served meanwhile: bulkhead job wait ${job}`);
  }
  cli.out.note(`Job ${job} goes on if this command is stopped; --abort gives the move up.`);
  const ended = await watch(cli, id, job);
  await showRecord(cli, ended);
  if (ended.state === "dead") throw new Error(ended.error ?? "the move gave no reason");
};

/** `tenant move`. */
export const addTenantMove = (tenant: Command, bind: Bind): void => {
  tenant
    .command("move")
    .description("bring what a tenant has to another placement, while it is served")
    .argument("<id>")
    .option("--placement <name>", "where to, by its name in the server's configuration")
    .option("--keep-source", "leave the content where it was as well (the default)")
    .option("--erase-source", "erase it there, once every byte was read again at its new place")
    .option("--abort", "give up the move that is under way; possible until it has switched")
    .option("--no-wait", "print the job and go on")
    .action(
      bind((cli, id: string, flags: Flags) =>
        about(id, () => (flags.abort === true ? abort(cli, id, flags.wait) : move(cli, id, flags))),
      ),
    );
};
