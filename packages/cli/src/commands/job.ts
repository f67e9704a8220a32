import type { Command } from "commander";
import type { Bind } from "../cli.ts";
import { about } from "../failure.ts";
import { showRecord } from "../show.ts";

export const addJob = (program: Command, bind: Bind): void => {
  const job = program.command("job").description("look after what goes on without a request");
  job
    .command("get")
    .description("show a job")
    .argument("<id>")
    .action(
      bind(async (cli, id: string) => {
        const { jobs } = await cli.remote();
        await about(id, async () => showRecord(cli, await jobs.get(id, { signal: cli.signal })));
      }),
    );
  job
    .command("wait")
    .description("wait until a job has ended; fails if the job did")
    .argument("<id>")
    .action(
      bind(async (cli, id: string) => {
        const { jobs } = await cli.remote();
        await about(id, async () => {
          const ended = await jobs.wait(id, { signal: cli.signal });
          await showRecord(cli, ended);
          if (ended.state === "dead") throw new Error(ended.error ?? "it gave no reason");
        });
      }),
    );
  job
    .command("abort")
    .description("give up the move of a tenant; what it did is taken back")
    .argument("<id>")
    .action(
      bind(async (cli, id: string) => {
        const { jobs } = await cli.remote();
        await about(id, async () => showRecord(cli, await jobs.abort(id, { signal: cli.signal })));
      }),
    );
};
