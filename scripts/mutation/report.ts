import { ignoredFor } from "./ignored.ts";
import type { Mutant } from "./mutate.ts";
import type { Mutated } from "./sources.ts";

interface Survivor {
  readonly file: string;
  readonly mutant: Mutant;
}

export interface Summary {
  readonly areas: readonly {
    readonly name: string;
    readonly total: number;
    readonly killed: number;
    readonly ignored: number;
  }[];
  readonly survivors: readonly Survivor[];
  readonly ignored: readonly (Survivor & { readonly reason: string })[];
  /** At least 90 % are killed in every area, and at most 2 % of all are ignored. */
  readonly good: boolean;
}

/** Counts by area. */
export const summarize = (sources: readonly Mutated[], alive: ReadonlySet<number>): Summary => {
  const survivors: Survivor[] = [];
  const ignored: (Survivor & { readonly reason: string })[] = [];
  const areas = new Map<string, { total: number; killed: number; ignored: number }>();
  for (const { area, file, mutants } of sources)
    for (const mutant of mutants) {
      const counts = areas.get(area) ?? { total: 0, killed: 0, ignored: 0 };
      areas.set(area, counts);
      counts.total += 1;
      const reason = alive.has(mutant.id) ? ignoredFor(file, mutant) : undefined;
      if (!alive.has(mutant.id)) counts.killed += 1;
      else if (reason === undefined) survivors.push({ file, mutant });
      else {
        counts.ignored += 1;
        ignored.push({ file, mutant, reason });
      }
    }
  const list = [...areas].map(([name, counts]) => ({ name, ...counts }));
  const total = list.reduce((sum, area) => sum + area.total, 0);
  return {
    areas: list,
    survivors,
    ignored,
    good:
      list.every((area) => area.killed >= 0.9 * (area.total - area.ignored)) &&
      ignored.length <= 0.02 * total,
  };
};

export const percent = (part: number, of: number): string => ((100 * part) / of).toFixed(1);

const cell = (text: string): string =>
  text === "" ? "nothing" : `\`${text.slice(0, 90).replaceAll("|", "\\|").replaceAll("`", "'")}\``;

const rowOf = ({ file, mutant: { line, was, became } }: Survivor): string =>
  `| ${file}:${line} | ${cell(was)} | ${cell(became)} |`;

/** The report of a run over all areas. */
export const mutationReport = ({ areas, survivors, ignored }: Summary, commit: string): string => {
  const total = areas.reduce((sum, area) => sum + area.total, 0);
  const killed = areas.reduce((sum, area) => sum + area.killed, 0);
  return `# Mutation

${killed} of ${total - ignored.length} mutants were killed (${percent(killed, total - ignored.length)} %) at ${commit}; ${ignored.length} of ${total} (${percent(ignored.length, total)} %) are ignored, each
with its reason. \`npm run test:mutation\` puts every change into the sources at once, each behind a switch, and runs the unit
tests that reach it once for each.

Its operators: comparisons and their bounds, \`+\` and \`-\`, \`*\`, \`&\` and \`|\`, \`&&\` and \`||\`, \`??\` without its right side, \`!\`,
conditions always true and always false, booleans, arrays emptied, \`some\` and \`every\`, \`min\` and \`max\`, \`startsWith\`, \`slice\`,
\`filter\` left out, a call or a \`throw\` that stands alone left out. Not changed are texts for people, numbers, types, and what
is evaluated when a module is loaded. The other half, what needs a database, is in [planted defects](defects.md).

| area | mutants | killed | ignored | % |
| --- | ---: | ---: | ---: | ---: |
${areas.map((area) => `| ${area.name} | ${area.total} | ${area.killed} | ${area.ignored} | ${percent(area.killed, area.total - area.ignored)} |`).join("\n")}

## What survived

| where | was | became |
| --- | --- | --- |
${survivors.map(rowOf).join("\n")}

## What is ignored

| where | was | became | why |
| --- | --- | --- | --- |
${ignored.map((one) => `${rowOf(one)} ${one.reason} |`).join("\n")}
`;
};
