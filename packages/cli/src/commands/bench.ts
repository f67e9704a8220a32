import type { Command } from "commander";
import { at, type Bind, type Cli } from "../cli.ts";
import { benchServer } from "../bench/bench-server.ts";
import type { BenchRow } from "../bench/run-row.ts";
import { UsageError } from "../failure.ts";
import { type Column, table } from "../table.ts";
import { withoutSlash } from "../place.ts";
import { bytes, wholeNumber } from "../values.ts";

interface Flags {
  readonly seconds: number;
  readonly concurrency: number;
  readonly requests: number;
  readonly size: number;
}

/** The bounds that keep it harmless. */
const most = { seconds: 60, requests: 100_000, concurrency: 64, size: 1024 ** 3 } as const;

const number = (value: number | null): string => (value === null ? "-" : String(value));

const columns: readonly Column<BenchRow>[] = [
  { title: "REQUEST", value: ({ name }) => name },
  { title: "COUNT", align: "right", value: ({ requests }) => String(requests) },
  { title: "A SECOND", align: "right", value: ({ perSecond }) => String(perSecond) },
  { title: "P50 ms", align: "right", value: ({ p50 }) => number(p50) },
  { title: "P95", align: "right", value: ({ p95 }) => number(p95) },
  { title: "P99", align: "right", value: ({ p99 }) => number(p99) },
  { title: "MAX", align: "right", value: ({ max }) => number(max) },
  { title: "MiB/s", align: "right", value: ({ mibPerSecond }) => number(mibPerSecond) },
  {
    title: "REFUSED",
    value: ({ errors }) =>
      Object.entries(errors)
        .map(([code, count]) => `${count} ${code}`)
        .join(", "),
  },
];

const bench = async (cli: Cli, text: string, flags: Flags): Promise<void> => {
  for (const name of ["seconds", "requests", "concurrency", "size"] as const)
    if (flags[name] > most[name]) throw new UsageError(`--${name} is at most ${most[name]}`);
  if (flags.size === 0) throw new UsageError("--size is at least one byte");
  await at(cli, text, async ({ remote, path }) => {
    cli.out.note(
      `Measures ${remote.url} with ${flags.concurrency} requests at once, in a directory of its own that is removed afterwards.`,
    );
    const { seconds, requests, concurrency: callers, size } = flags;
    const rows: BenchRow[] = [];
    const options = { seconds, most: requests, callers, size, signal: cli.signal };
    for await (const row of benchServer({ remote, path: withoutSlash(path) }, options)) {
      rows.push(row);
      cli.out.note(`${row.name}: ${row.perSecond} a second`);
    }
    if (cli.out.json)
      return cli.out.document({
        url: remote.url,
        at: new Date().toISOString(),
        seconds,
        concurrency: callers,
        size,
        rows,
      });
    for (const line of table(columns, rows)) await cli.out.line(line);
  });
};

/** `bench`: what a server of the user's own does, measured from where the command runs. */
export const addBench = (program: Command, bind: Bind): void => {
  program
    .command("bench")
    .description("measure a server from here: latencies and rates, bounded, and cleaned up after")
    .argument("[path]", "where a directory for it is made and removed", "/")
    .option("--seconds <n>", "how long each kind of small request is sent", wholeNumber, 2)
    .option("--requests <n>", "the most requests of a kind", wholeNumber, 20_000)
    .option("--concurrency <n>", "how many requests at once", wholeNumber, 16)
    .option("--size <bytes>", "of the large file: 64M", bytes, 64 * 1024 ** 2)
    .addHelpText(
      "after",
      `
What is written counts against the tenant's limits while it is there, and where a tree keeps history, afterwards too.
Run it again before you believe a number: other programs on either machine are measured with it.`,
    )
    .action(bind(bench));
};
