import type pg from "pg";

interface CatalogTable {
  readonly name: string;
  readonly columns: readonly string[];
}

/** What says which schema a database has; made with it, and never loaded. */
const book = ["schema", "schema_migration"];

/** The ledger's tables with the columns that have to be given, each behind those that it refers to. */
export const tablesOf = async (client: pg.Client): Promise<readonly CatalogTable[]> => {
  const { rows } = await client.query<{ name: string; columns: string[]; refers: string[] }>(
    `select c.relname as name,
        (select array_agg(a.attname::text order by a.attnum) from pg_attribute a
          where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped and a.attgenerated = '') as columns,
        array(select f.relname::text from pg_constraint k join pg_class f on f.oid = k.confrelid
          where k.conrelid = c.oid and k.contype = 'f' and f.oid <> c.oid) as refers
      from pg_class c where c.relnamespace = 'bulkhead'::regnamespace and c.relkind in ('r', 'p')
        and not c.relispartition and not c.relname = any ($1::text[]) order by c.relname`,
    [book],
  );
  const ordered: CatalogTable[] = [];
  let left = rows;
  while (left.length > 0) {
    const placed = new Set(ordered.map(({ name }) => name));
    const next = left.filter(({ refers }) => refers.every((name) => placed.has(name)));
    if (next.length === 0) throw new Error("The ledger's tables refer to one another in a circle.");
    ordered.push(...next.map(({ name, columns }) => ({ name, columns })));
    left = left.filter((table) => !next.includes(table));
  }
  return ordered;
};

/** Tables of which bulkhead_system would not be shown every row. */
export const hiddenTables = async (client: pg.Client): Promise<readonly string[]> => {
  const { rows } = await client.query<{ name: string }>(
    `select c.relname as name from pg_class c
      where c.relnamespace = 'bulkhead'::regnamespace and c.relkind in ('r', 'p') and c.relrowsecurity
        and not exists (select from pg_policy p where p.polrelid = c.oid and p.polcmd in ('*', 'r')
          and p.polpermissive and 'bulkhead_system'::regrole = any (p.polroles)
          and pg_get_expr(p.polqual, p.polrelid) = 'true')`,
  );
  return rows.map(({ name }) => name);
};

export const partitionsOf = async (
  client: pg.Client,
): Promise<
  readonly { readonly name: string; readonly parent: string; readonly bounds: string }[]
> =>
  (
    await client.query<{ name: string; parent: string; bounds: string }>(
      `select c.relname as name, p.relname as parent, pg_get_expr(c.relpartbound, c.oid) as bounds
        from pg_inherits i join pg_class c on c.oid = i.inhrelid join pg_class p on p.oid = i.inhparent
        where p.relnamespace = 'bulkhead'::regnamespace and p.relkind = 'p' order by c.relname`,
    )
  ).rows;

export const sequencesOf = async (
  client: pg.Client,
): Promise<readonly { readonly name: string; readonly last: string | undefined }[]> => {
  const { rows } = await client.query<{ name: string; last: string | null }>(
    `select sequencename as name, last_value::text as last from pg_sequences
      where schemaname = 'bulkhead' order by sequencename`,
  );
  return rows.map(({ name, last }) => ({ name, last: last ?? undefined }));
};
