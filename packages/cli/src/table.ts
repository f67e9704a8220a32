import { columnsOf, printable } from "./printable.ts";

export interface Column<T> {
  readonly title: string;
  readonly align?: "right";
  readonly value: (row: T) => string;
}

/** Lays rows out in columns as wide as what they hold; a title line first, unless there is nothing. */
export const table = <T>(columns: readonly Column<T>[], rows: readonly T[]): readonly string[] => {
  const cells = rows.map((row) => columns.map((column) => printable(column.value(row))));
  if (cells.length > 0 && columns.some(({ title }) => title !== ""))
    cells.unshift(columns.map(({ title }) => title));
  const widths = columns.map((_, i) =>
    cells.reduce((width, row) => Math.max(width, columnsOf(row[i] ?? "")), 0),
  );
  return cells.map((row) =>
    row
      .map((cell, i) => {
        const gap = " ".repeat((widths[i] ?? 0) - columnsOf(cell));
        return columns[i]?.align === "right" ? gap + cell : cell + gap;
      })
      .join("  ")
      .trimEnd(),
  );
};

/** Lays one record out as a list of names and values. */
export const sheet = (rows: readonly (readonly [string, string])[]): readonly string[] =>
  table(
    [
      { title: "", value: (row: readonly [string, string]) => row[0] },
      { title: "", value: (row) => row[1] },
    ],
    rows,
  );
