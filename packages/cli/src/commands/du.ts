import { parent, parseRequestPath } from "@bulkhead/contract";
import type { Command } from "commander";
import { at, type Bind } from "../cli.ts";
import { humanSize } from "../human.ts";
import { withoutSlash } from "../place.ts";
import { table } from "../table.ts";

interface Flags {
  readonly summarize?: boolean;
  readonly humanReadable?: boolean;
}

interface Sum {
  readonly path: string;
  files: number;
  bytes: number;
}

export const addDu = (program: Command, bind: Bind): void => {
  program
    .command("du")
    .description("add up the bytes below a directory")
    .argument("[path]", "where to begin", "/")
    .option("-s, --summarize", "the total alone")
    .option("-h, --human-readable", "sizes as 1.2K, 3.4M")
    .action(
      bind((cli, text: string, flags: Flags) =>
        at(cli, text, async ({ remote, path }) => {
          const base = parseRequestPath(withoutSlash(path));
          const total: Sum = { path: base, files: 0, bytes: 0 };
          const sums = new Map<string, Sum>([[base, total]]);
          for await (const entry of remote.list(base, { recursive: true, signal: cli.signal })) {
            const at = parseRequestPath(entry.path);
            if (entry.isDirectory()) {
              sums.set(at, { path: at, files: 0, bytes: 0 });
              continue;
            }
            for (let up = parent(at); up !== undefined; up = parent(up)) {
              const sum = sums.get(up);
              if (sum !== undefined) {
                sum.files += 1;
                sum.bytes += entry.size;
              }
              if (up === base) break;
            }
          }
          const all = flags.summarize === true ? [total] : [...sums.values()].toReversed();
          if (cli.out.json) {
            if (flags.summarize === true) await cli.out.document(total);
            else for (const sum of all) await cli.out.record(sum);
            return;
          }
          const size = (sum: Sum): string =>
            flags.humanReadable === true ? humanSize(sum.bytes) : String(sum.bytes);
          const lines = table<Sum>(
            [
              { title: "", align: "right", value: size },
              { title: "", value: (sum) => sum.path },
            ],
            all,
          );
          for (const line of lines) await cli.out.line(line);
        }),
      ),
    );
};
