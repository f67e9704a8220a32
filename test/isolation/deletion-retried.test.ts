import { randomUUID } from "node:crypto";
import { access } from "node:fs/promises";
import { join } from "node:path";
import pg from "pg";
import { waitFor } from "@bulkhead/harness";
import { expect, it } from "vitest";
import { startServer } from "../support/start-server.ts";

const memberOf = (text: string, name: string): unknown => {
  const value: unknown = JSON.parse(text);
  return typeof value === "object" && value !== null ? Reflect.get(value, name) : undefined;
};

it("ends a tenant whose files were gone when an earlier attempt failed", async () => {
  await using server = await startServer({ config: "defaultPlacement: local" });
  const ask = async (method: string, path: string, body?: string): Promise<string> => {
    const response = await fetch(server.url + path, {
      method,
      headers: { authorization: `Bearer ${server.platformKey}` },
      ...(body !== undefined && { body }),
    });
    return response.text();
  };
  const id = `t${randomUUID().slice(0, 8)}`;
  await ask("POST", "/v1/tenants", JSON.stringify({ id }));
  await ask("PUT", `/v1/files/workspace/${id}/f`, "12345");

  const ledger = new pg.Client(server.databaseUrl);
  await ledger.connect();
  try {
    const { rows } = await ledger.query<{ uid: string }>(
      "select uid from bulkhead.tenant where id = $1",
      [id],
    );
    const folder = join(server.dataDir, "tenants", rows[0]?.uid ?? "");
    await access(folder);
    await ledger.query(`
      create function bulkhead.refuse_end() returns trigger language plpgsql
        as $$ begin raise exception 'not now'; end $$;
      create trigger refuse_end before update on bulkhead.tenant for each row when (new.status = 'deleted')
        execute function bulkhead.refuse_end()`);
    const job = memberOf(await ask("DELETE", `/v1/tenants/${id}?confirm=${id}&grace=P0D`), "job");
    await waitFor(async () => {
      const { rows: jobs } = await ledger.query<{ error: string | null }>(
        "select error from bulkhead.job where id = $1",
        [job],
      );
      return jobs[0]?.error !== null;
    });
    await expect(access(folder)).rejects.toThrow("ENOENT");
    await ledger.query("drop trigger refuse_end on bulkhead.tenant");
    await waitFor(
      async () => memberOf(await ask("GET", `/v1/jobs/${String(job)}`), "state") === "done",
    );
    const result = memberOf(await ask("GET", `/v1/jobs/${String(job)}`), "result");
    expect(result).toMatchObject({
      removed: expect.arrayContaining([
        { what: "files", where: `/workspace/${id}`, files: 1, bytes: 5 },
      ]),
    });
  } finally {
    await ledger.end();
  }
});
