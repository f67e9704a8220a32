import { join } from "node:path";
import { linesOf } from "./lines-of.ts";
import type { LedgerDump } from "./types.ts";

const escapes: Readonly<Record<string, string>> = {
  b: "\b",
  f: "\f",
  n: "\n",
  r: "\r",
  t: "\t",
  v: "\v",
};

const valueOf = (text: string): string | undefined =>
  text === String.raw`\N`
    ? undefined
    : text.replaceAll(/\\(.)/gs, (_, character: string) => escapes[character] ?? character);

/**
 * Reads the rows of one table of a dump: the values of these columns, in this order, as PostgreSQL spells them (COPY,
 * "Text Format"); undefined is null. Throws for a column that the table does not have.
 */
export async function* readTable(
  folder: string,
  dump: Pick<LedgerDump, "tables">,
  name: string,
  columns: readonly string[],
): AsyncGenerator<readonly (string | undefined)[]> {
  const table = dump.tables.find((one) => one.name === name);
  const places = columns.map((column) => table?.columns.indexOf(column) ?? -1);
  if (table === undefined || places.includes(-1))
    throw new Error(`The dump has no such columns of '${name}'.`);
  for await (const line of linesOf(join(folder, table.file))) {
    const values = line.split("\t");
    yield places.map((place) => valueOf(values[place] ?? ""));
  }
}
