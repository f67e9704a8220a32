import type { Database } from "./database.ts";
import type { ContentRoots } from "./types.ts";

/** Remembers which content belongs to which mount; what was recorded first stays. */
export const createContentRoots = (database: Database): ContentRoots => ({
  get: async (mount) => {
    const [row] = await database.rows<{ marker: string }>(
      "select marker from bulkhead.content_root where mount = $1",
      [mount],
    );
    return row?.marker;
  },
  record: async (mount, marker) => {
    await database.rows(
      "insert into bulkhead.content_root (mount, marker) values ($1, $2) on conflict (mount) do nothing",
      [mount, marker],
    );
  },
});
