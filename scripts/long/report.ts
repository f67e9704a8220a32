/** What became of a stage. */
export interface Done {
  readonly name: string;
  readonly does: string;
  readonly seed: number | undefined;
  readonly commit: string;
  /** When it ended. */
  readonly at: string;
  readonly seconds: number;
  readonly outcome: string;
  /** As vitest counts tests. */
  readonly counted: string;
  /** Lines of its output that say what was done, or what went wrong. */
  readonly said: readonly string[];
  /** What the model tried. */
  readonly table: string | undefined;
}

/** The report of a long run, in Markdown. A stage that did not run is named as such. */
export const report = (done: readonly Done[], names: readonly string[]): string => {
  const rows = names.map((name) => {
    const stage = done.find((one) => one.name === name);
    if (stage === undefined) return `| ${name} | not run | | | | | |`;
    const { does, outcome, counted, seconds, seed, commit, at } = stage;
    return `| ${name} | ${does} | ${outcome}: ${counted} | ${seconds} | ${seed ?? ""} | ${commit} | ${at.slice(0, 16)}Z |`;
  });
  const said = done.flatMap(({ name, said: lines }) =>
    lines.length === 0 ? [] : ["", `## ${name}`, "", "```", ...lines, "```"],
  );
  const tables = done.flatMap(({ table }) =>
    table === undefined
      ? []
      : [
          "",
          "## What the model tried",
          "",
          "How often each operation came to what, by which front; `explain` is asked before some of the others.",
          "",
          table.trim(),
        ],
  );
  return [
    "# The long run",
    "",
    "Written by `npm run test:long -- --seed S`. A stage says what it did and when, by which commit; one that was cut",
    "off, or run for less than `--sequences 100000 --kills 1000 --share 1000`, says that as well.",
    "",
    "| stage | what | outcome | seconds | seed | commit | ended |",
    "| --- | --- | --- | ---: | ---: | --- | --- |",
    ...rows,
    ...said,
    ...tables,
    "",
  ].join("\n");
};
