import type { RemoteStats } from "@bulkhead/client";
import { parseRequestPath, segmentsBelow } from "@bulkhead/contract";
import type { Command } from "commander";
import { at, type Bind } from "../cli.ts";
import { humanSize } from "../human.ts";
import { withoutSlash } from "../place.ts";
import { wholeNumber } from "../values.ts";

interface Flags {
  readonly depth?: number;
  readonly humanReadable?: boolean;
}

interface Node {
  readonly entry: RemoteStats | undefined;
  readonly below: Map<string, Node>;
}

const grow = (base: string, entries: readonly RemoteStats[]): Node => {
  const root: Node = { entry: undefined, below: new Map() };
  const from = parseRequestPath(base);
  for (const entry of entries) {
    const names = segmentsBelow(from, parseRequestPath(entry.path)) ?? [];
    let node = root;
    for (const [i, name] of names.entries()) {
      let next = node.below.get(name);
      if (next === undefined) {
        next = { entry: i === names.length - 1 ? entry : undefined, below: new Map() };
        node.below.set(name, next);
      }
      node = next;
    }
  }
  return root;
};

const count = (n: number, one: string, many: string): string => `${n} ${n === 1 ? one : many}`;

export const addTree = (program: Command, bind: Bind): void => {
  program
    .command("tree")
    .description("draw a directory and everything below it")
    .argument("[path]", "where to begin", "/")
    .option("-d, --depth <levels>", "how deep to draw", wholeNumber)
    .option("-h, --human-readable", "with sizes")
    .action(
      bind((cli, text: string, flags: Flags) =>
        at(cli, text, async ({ remote, path }) => {
          const base = withoutSlash(path);
          const depth = flags.depth ?? Infinity;
          const entries = await remote.readdir(base, {
            recursive: depth > 1,
            withFileTypes: true,
            signal: cli.signal,
          });
          if (cli.out.json) {
            for (const entry of entries) await cli.out.record(entry);
            return;
          }
          let files = 0;
          let directories = 0;
          const draw = async (node: Node, indent: string, level: number): Promise<void> => {
            let left = node.below.size;
            for (const [name, child] of node.below) {
              left -= 1;
              const isDirectory = child.entry?.kind !== "file";
              if (isDirectory) directories += 1;
              else files += 1;
              const label = cli.out.shown(name);
              const size =
                flags.humanReadable === true && child.entry !== undefined && !isDirectory
                  ? `  ${humanSize(child.entry.size)}`
                  : "";
              await cli.out.line(
                `${indent}${left === 0 ? "└── " : "├── "}${isDirectory ? cli.out.directory(`${label}/`) : label}${size}`,
              );
              if (level < depth)
                await draw(child, indent + (left === 0 ? "    " : "│   "), level + 1);
            }
          };
          await cli.out.line(cli.out.directory(text));
          await draw(grow(base, entries), "", 1);
          cli.out.note(
            `${count(directories, "directory", "directories")}, ${count(files, "file", "files")}`,
          );
        }),
      ),
    );
};
