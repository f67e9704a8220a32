import { isFileError } from "@bulkhead/contract";
import { query } from "@bulkhead/harness";
import { expect, it } from "vitest";
import { postgres } from "./postgres.ts";
import { emptied, sharedDatabase } from "./test/shared-database.ts";
import { at, ctx, put, tree } from "./test/tools.ts";

const kill = `select pg_terminate_backend(pid) from pg_stat_activity
  where datname = current_database() and application_name = 'bulkhead-tenant'`;

it("loses nothing it acknowledged while every connection is killed again and again", async () => {
  const url = await emptied(await sharedDatabase());
  const backend = postgres({ url });
  let refused = 0;
  let ended = false;
  const killing = (async () => {
    while (!ended) {
      await query(url, kill);
      await new Promise((resolve) => setTimeout(resolve, 15));
    }
  })();
  /** Until it is acknowledged; a refusal that says `safe` changed nothing, so that one try counts. */
  const insist = async (attempt: () => Promise<unknown>): Promise<void> => {
    for (;;)
      try {
        await attempt();
        return;
      } catch (error) {
        if (!isFileError(error, "unavailable") || error.retry !== "safe") throw error;
        refused += 1;
      }
  };
  const expected: Record<string, string | null> = {};
  const work = [0, 1, 2].map(async (worker) => {
    for (let i = 0; i < 12; i++) {
      const path = `d${worker}/f${i}`;
      await insist(() => put(backend, path, `one ${i}`));
      if (i % 3 === 0) await insist(() => put(backend, path, `two ${i}`));
      if (i % 3 === 1) await insist(() => backend.move(ctx(), at(path), at(`${path}-moved`)));
      if (i % 4 === 3)
        await insist(() => backend.remove(ctx(), at(path + (i % 3 === 1 ? "-moved" : ""))));
      else expected[path + (i % 3 === 1 ? "-moved" : "")] = i % 3 === 0 ? `two ${i}` : `one ${i}`;
    }
    expected[`d${worker}`] = null;
  });
  await Promise.all(work);
  ended = true;
  await killing;
  await insist(async () => expect(await tree(backend)).toEqual(expected));
  expect(refused).toBeGreaterThan(5);
  const rows = await backend.effects.pending(ctx());
  const stored = Object.values(expected).filter((text) => text !== null);
  expect(rows.reduce((sum, row) => sum + row.files, 0)).toBe(stored.length);
  expect(rows.reduce((sum, row) => sum + row.bytes, 0)).toBe(stored.join("").length);
  await backend.close();
}, 60_000);
