import type { RemoteFS } from "@bulkhead/client";
import { operations } from "@bulkhead/wire";
import type { Command } from "commander";
import { at, type Bind, type Cli } from "../cli.ts";
import { UsageError } from "../failure.ts";
import { factLines } from "../fact-lines.ts";
import { withoutSlash } from "../place.ts";
import { type Column, table } from "../table.ts";
import { bytes, oneOf } from "../values.ts";

interface Flags {
  readonly subject?: string;
  readonly to?: string;
  readonly size?: number;
}

type Explanation = Awaited<ReturnType<RemoteFS["explain"]>>;
type Row = readonly [step: string, outcome: string, detail: string];

const columns: readonly Column<Row>[] = [
  { title: "STEP", value: ([step]) => step },
  { title: "OUTCOME", value: ([, outcome]) => outcome },
  { title: "WHY", value: ([, , detail]) => detail },
];

const rowsOf = ({ steps }: Explanation): readonly Row[] =>
  steps.flatMap(({ step, outcome, detail, facts }): Row[] => [
    [step, outcome, detail],
    ...Object.entries(facts)
      .flatMap(([name, value]) => factLines(name, value))
      .map((line): Row => ["", "", `  ${line}`]),
  ]);

const show = async (cli: Cli, explanation: Explanation): Promise<void> => {
  if (cli.out.json) return cli.out.document(explanation);
  const { decision, code, subject } = explanation;
  await cli.out.line(`${decision}${code === null ? "" : ` (${code})`} for ${subject}`);
  for (const line of table(columns, rowsOf(explanation))) await cli.out.line(line);
};

/** The other end, which has to be on the same server. */
const targetOf = async (cli: Cli, alias: string | undefined, to: string): Promise<string> => {
  const place = await cli.place(to);
  if (place.alias !== alias) throw new UsageError(`'${to}' is on another server`);
  return withoutSlash(place.path);
};

export const addExplain = (program: Command, bind: Bind): void => {
  program
    .command("explain")
    .description("show what an operation would be answered, and why, question by question")
    .argument("<operation>", operations.join(", "), oneOf(operations))
    .argument("<path>")
    .option("--subject <subject>", "whose request it would be: user:alice")
    .option("--size <bytes>", "how long a write would be: 1000, 10G", bytes)
    .option("--to <path>", "the target of a copy or move")
    .action(
      bind(async (cli, operation: (typeof operations)[number], path: string, flags: Flags) => {
        await at(cli, path, async (place) => {
          const { subject, size } = flags;
          const to = flags.to && (await targetOf(cli, place.alias, flags.to));
          const options = { subject, size, to, signal: cli.signal };
          await show(cli, await place.remote.explain(operation, withoutSlash(place.path), options));
        });
      }),
    );
};
