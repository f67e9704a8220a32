import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { buffer } from "node:stream/consumers";
import { query, type TestBucket } from "@bulkhead/harness";

/** Where in a database a text lies, as text or as bytes: names of tables. */
export const tablesWith = async (
  url: string,
  text: string,
  schema = "bulkhead",
): Promise<readonly string[]> => {
  const tables = await query(
    url,
    "select relname as name from pg_class where relnamespace = $1::regnamespace and relkind in ('r', 'p')",
    [schema],
  );
  const found: string[] = [];
  for (const { name } of tables) {
    const rows = await query(
      url,
      `select from "${schema}"."${String(name)}" t where strpos(t::text, $1) > 0 or strpos(t::text, $2) > 0 limit 1`,
      [text, Buffer.from(text).toString("hex")],
    );
    if (rows.length > 0) found.push(String(name));
  }
  return found;
};

/** The files below a folder that hold a text. */
export const filesWith = async (folder: string, text: string): Promise<readonly string[]> => {
  const found: string[] = [];
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const file = join(entry.parentPath, entry.name);
    if ((await readFile(file)).includes(text)) found.push(file);
  }
  return found;
};

/** The keys of a bucket whose objects hold a text. */
export const objectsWith = async (
  { keys, raw, bucket }: TestBucket,
  text: string,
): Promise<readonly string[]> => {
  const found: string[] = [];
  for (const key of await keys()) {
    if (key.endsWith("/")) continue;
    if ((await buffer(await raw.getObject(bucket, key))).includes(text)) found.push(key);
  }
  return found;
};
