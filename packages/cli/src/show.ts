import type { Cli } from "./cli.ts";
import { type Column, sheet, table } from "./table.ts";

const text = (value: unknown): string | undefined => {
  if (value === null || value === undefined) return undefined;
  if (Array.isArray(value)) return value.length === 0 ? undefined : value.join(" ");
  if (typeof value === "string") return value;
  if (typeof value !== "object") return JSON.stringify(value);
  return Object.keys(value).length === 0 ? undefined : JSON.stringify(value);
};

/** Shows one record: a JSON document, or its fields that hold something. */
export const showRecord = async (cli: Cli, record: object): Promise<void> => {
  if (cli.out.json) return cli.out.document(record);
  const rows = Object.entries(record).flatMap(([name, value]) => {
    const shown = text(value);
    return shown === undefined ? [] : [[name, shown] as const];
  });
  for (const line of sheet(rows)) await cli.out.line(line);
};

/** Shows many: JSON lines as they come, or a table once all are there. */
export const showRecords = async <T extends object>(
  cli: Cli,
  records: AsyncIterable<T>,
  columns: readonly Column<T>[],
): Promise<void> => {
  if (cli.out.json) for await (const record of records) await cli.out.record(record);
  else for (const line of table(columns, await Array.fromAsync(records))) await cli.out.line(line);
};
