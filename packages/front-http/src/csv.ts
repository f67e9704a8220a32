import { stringify } from "csv-stringify/sync";
import type { Answer } from "./answer.ts";
import type { Call } from "./call.ts";
import { malformed } from "./fault.ts";

/** A table's row by the names of its columns. */
export type CsvRow = Readonly<Record<string, string | number | boolean | null>>;

/**
 * Writes a table as CSV (RFC 4180) that a spreadsheet can open: what it would take for a formula, since it begins with
 * `=`, `+`, `-`, `@`, a tab or a carriage return, has a `'` before it.
 */
const csvOf = (columns: readonly string[], rows: readonly CsvRow[]): string =>
  stringify([...rows], {
    header: true,
    columns: [...columns],
    escape_formulas: true,
    record_delimiter: "windows",
    cast: { boolean: String },
  });

/** True if the answer is wanted as CSV: by `?format=csv`, or an `Accept` of nothing else. Throws `invalid-request`. */
export const wantsCsv = ({ query, headers }: Call): boolean => {
  const format = query.text("format");
  if (format !== undefined && format !== "csv" && format !== "json")
    throw malformed("The parameter 'format' is 'json' or 'csv'.");
  return format === "csv" || (format === undefined && headers.accept === "text/csv");
};

/** Answers a table as a file to keep. */
export const csvAnswer = (
  name: string,
  columns: readonly string[],
  rows: readonly CsvRow[],
): Answer => ({
  status: 200,
  headers: {
    "Content-Type": "text/csv; charset=utf-8; header=present",
    "Content-Disposition": `attachment; filename="${name}.csv"`,
  },
  text: csvOf(columns, rows),
});
