import type { Defect } from "../../test/defects/index.ts";

/** A defect, and what noticed it. */
export interface Caught {
  readonly defect: Defect;
  readonly by:
    | { readonly file: string; readonly test: string; readonly message: string }
    | undefined;
  /** Of the suite that noticed it, from its start to its first failure. */
  readonly seconds: number;
}

const cell = (text: string): string => text.replaceAll("|", "\\|").replaceAll("\n", " ");

const rowOf = ({ defect, by, seconds }: Caught): string => {
  const found = by === undefined ? "**nobody**" : `\`${cell(by.file)}\`: ${cell(by.test)}`;
  return `| ${defect.name} | ${cell(defect.breaks)} | \`${defect.file}\` | ${found} | ${seconds.toFixed(1)} |`;
};

/** The report of a run over all defects. */
export const defectsReport = (list: readonly Caught[], commit: string): string =>
  `# Planted defects

${list.filter(({ by }) => by !== undefined).length} of ${list.length} were caught at ${commit}. \`npm run check:defects\` plants each in a copy of the
checkout, alone, and runs the suites that ought to notice it, which are green without it. The defects are in
\`test/defects\`; that each still fits the sources is a test of every run. The seconds are those of the suite that noticed it,
from its start, database and all, to its first failure.

| defect | the rule that it breaks | in | noticed by | seconds |
| --- | --- | --- | --- | ---: |
${list.map(rowOf).join("\n")}
`;
