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
      const operations = [
        ...new Set([...counts.keys()].map((key) => key.split(" ")[0] ?? "")),
      ].sort();
      return operations
        .map((operation) => {
          const rows = [...counts].filter(([key]) => key.startsWith(`${operation} `));
          const by = (index: number): string =>
            [...Map.groupBy(rows, ([key]) => key.split(" ")[index] ?? "")]
              .map(([name, group]) => `${name} ${group.reduce((sum, [, count]) => sum + count, 0)}`)
              .sort()
              .join(", ");
          return `${operation}: ${by(1)} | ${by(2)}`;
        })
        .join("\n");
    },
  };
};
