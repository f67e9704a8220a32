import type { Command } from "commander";
import { at, type Bind } from "../cli.ts";
import { humanSize, shortTime } from "../human.ts";
import { showRecords } from "../show.ts";

export const addVersion = (program: Command, bind: Bind): void => {
  const version = program
    .command("version")
    .description("look at the past of files, and bring it back");
  version
    .command("ls")
    .description("list what was stored at a path and removed there, newest first")
    .argument("<path>", "a file that is there, or was")
    .option("-h, --human-readable", "sizes as 1.2K, 3.4M")
    .action(
      bind((cli, text: string, { humanReadable }: { readonly humanReadable?: boolean }) =>
        at(cli, text, async ({ remote, path }) =>
          showRecords(cli, remote.versions(path, { signal: cli.signal }), [
            { title: "VERSION", align: "right", value: (entry) => entry.version },
            { title: "MODIFIED", value: ({ modifiedAt }) => shortTime(modifiedAt) },
            {
              title: "SIZE",
              align: "right",
              value: ({ kind, size }) =>
                kind === "remove" ? "-" : humanReadable === true ? humanSize(size) : `${size}`,
            },
            {
              title: "",
              value: ({ kind, current }) =>
                kind === "remove" ? "removed" : current ? "current" : "",
            },
          ]),
        ),
      ),
    );
  version
    .command("cat")
    .description("write an earlier content to stdout")
    .argument("<path>")
    .argument("<version>", "as 'version ls' shows it")
    .action(
      bind((cli, text: string, named: string) =>
        at(cli, text, async ({ remote, path }) => {
          const stream = await remote.readStream(path, { version: named, signal: cli.signal });
          for await (const chunk of stream) await cli.out.bytes(chunk);
        }),
      ),
    );
  version
    .command("restore")
    .description("make an earlier content the newest one; brings back a file that was removed")
    .argument("<path>")
    .argument("<version>", "as 'version ls' shows it")
    .action(
      bind((cli, text: string, named: string) =>
        at(cli, text, async ({ remote, path }) => {
          const stat = await remote.restore(path, named, { signal: cli.signal });
          if (cli.out.json) await cli.out.document(stat);
          else cli.out.note(`${text} is version ${named} again, as version ${stat.version ?? "?"}`);
        }),
      ),
    );
};
