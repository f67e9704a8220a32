// Stands in for vitest's `describe` and `it` where the tests of an area are loaded: it keeps what they would run, so that it
// can be run for each mutant.

export { expect, vi } from "vitest";

/** One test. */
export interface Collected {
  readonly name: string;
  readonly run: () => unknown;
}

/** The tests of the files that were loaded. */
export const collected: Collected[] = [];

const prefix: string[] = [];

export const describe = (name: string, body: () => void): void => {
  prefix.push(name);
  try {
    body();
  } finally {
    prefix.pop();
  }
};

const each =
  (rows: readonly unknown[]) =>
  (name: string, body: (...values: readonly unknown[]) => unknown): void => {
    for (const row of rows)
      collect(name, () => {
        const values: readonly unknown[] = Array.isArray(row) ? row : [row];
        return body(...values);
      });
  };

const collect = Object.assign(
  (name: string, body: () => unknown): void => {
    collected.push({ name: [...prefix, name].join(" "), run: body });
  },
  { each },
);

export { collect as it, collect as test };
