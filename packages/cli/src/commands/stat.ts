import type { RemoteStats } from "@bulkhead/client";
import type { Command } from "commander";
import { at, type Bind } from "../cli.ts";
import { humanSize } from "../human.ts";
import { withoutSlash } from "../place.ts";
import { sheet } from "../table.ts";

const rowsOf = (stat: RemoteStats): (readonly [string, string])[] => {
  const size = stat.size < 1024 ? "" : ` (${humanSize(stat.size)})`;
  const rows: (readonly [string, string | null])[] = [
    ["path", stat.path],
    ["kind", stat.kind],
    ["size", stat.isFile() ? `${stat.size} bytes${size}` : null],
    ["etag", stat.etag],
    ["type", stat.contentType],
    ["version", stat.version],
    ["created", stat.createdAt],
    ["modified", stat.modifiedAt],
    ...Object.entries(stat.metadata).map(([name, value]) => [`meta ${name}`, value] as const),
  ];
  return rows.flatMap(([name, value]) => (value === null ? [] : [[name, value] as const]));
};

export const addStat = (program: Command, bind: Bind): void => {
  program
    .command("stat")
    .description("show what is known of a file or directory")
    .argument("<path...>")
    .action(
      bind(async (cli, paths: readonly string[]) => {
        await cli.each(paths, (text) =>
          at(cli, text, async ({ remote, path }) => {
            const stat = await remote.stat(withoutSlash(path), { signal: cli.signal });
            if (cli.out.json) await (paths.length > 1 ? cli.out.record : cli.out.document)(stat);
            else for (const line of sheet(rowsOf(stat))) await cli.out.line(line);
          }),
        );
      }),
    );
};
