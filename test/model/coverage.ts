/** How often what was tried, by which front, and what came of it. */
export interface Coverage {
  readonly count: (operation: string, front: string, outcome: string) => void;
  readonly of: (operation: string, front?: string, outcome?: string) => number;
  readonly by: (front: string) => number;
  readonly total: () => number;
  readonly table: () => string;
}

export const createCoverage = (): Coverage => {
  const counts = new Map<string, number>();
  const matching = (...wanted: readonly (string | undefined)[]): number =>
    [...counts].reduce(
      (sum, [key, count]) =>
        wanted.every((want, i) => want === undefined || key.split(" ")[i] === want)
          ? sum + count
          : sum,
      0,
    );
  return {
    count: (...corner) => {
      const key = corner.join(" ");
      counts.set(key, (counts.get(key) ?? 0) + 1);
    },
    of: matching,
    by: (front) => matching(undefined, front),
    total: () => matching(),
    table: () => {
      const cells = [...counts].map(([key, count]) => {
        const [operation = "", front = "", outcome = ""] = key.split(" ");
        return { operation, front, outcome, count };
      });
      const outcomes = [...new Set(cells.map(({ outcome }) => outcome))].sort();
      const rows = [...Map.groupBy(cells, ({ operation, front }) => `${operation} | ${front}`)];
      return [
        `| operation | by | ${outcomes.join(" | ")} |`,
        `| --- | --- |${" ---: |".repeat(outcomes.length)}`,
        ...rows
          .toSorted(([a], [b]) => (a < b ? -1 : 1))
          .map(
            ([name, row]) =>
              `| ${name} | ${outcomes
                .map((outcome) => row.find((cell) => cell.outcome === outcome)?.count ?? "")
                .join(" | ")} |`,
          ),
      ].join("\n");
    },
  };
};
