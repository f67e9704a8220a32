import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { tempDir } from "@bulkhead/harness";
import { expect, it } from "vitest";
import { loadConfig } from "./load-config.ts";
import { placementsOf } from "./placements-of.ts";

const load = async (text: string, env: Record<string, string> = {}) => {
  await using dir = await tempDir();
  const file = join(dir.path, "bulkhead.yaml");
  await writeFile(file, text);
  await writeFile(join(dir.path, "tables.sql"), "create table b ();\n-- the end");
  return await placementsOf(await loadConfig(file, {}, env));
};

it("hands over the server, the schema, and the SQL in its order, the file's last", async () => {
  const placements = await load(
    `
placements:
  own:
    backend: postgres
    options: { adminUrl: "\${ADMIN}", schema: files }
    provisioning:
      sql: [create table a () -- first, "insert into a default values;"]
      file: tables.sql
  plain: { backend: postgres, provisioning: { sql: select 1 } }
defaultPlacement: own`,
    { ADMIN: "postgres://op:secret@db/postgres" },
  );
  expect(placements["own"]).toEqual({
    backend: "postgres",
    options: { adminUrl: "postgres://op:secret@db/postgres", schema: "files" },
    durability: "strict",
    readOnly: false,
    provisioningSql:
      "create table a () -- first\n;\ninsert into a default values;\n;\ncreate table b ();\n-- the end\n;",
  });
  expect(placements["plain"]?.provisioningSql).toBe("select 1\n;");
});

it.each([
  ["{ backend: local, options: { adminUrl: postgres://x/y } }", "options.adminUrl"],
  ["{ backend: versioned, options: { schema: s } }", "options.schema"],
  ["{ backend: memory, provisioning: { sql: select 1 } }", "provisioning"],
  ["{ backend: postgres, options: { root: /x } }", "options.root"],
  ["{ backend: postgres, options: { schema: pg_x } }", "options.schema"],
  ["{ backend: postgres, options: { adminUrl: mysql://x } }", "options.adminUrl"],
])("refuses %s, and names the place", async (own, place) => {
  await expect(load(`placements: { own: ${own} }\ndefaultPlacement: own`)).rejects.toThrow(
    `placements.own.${place}`,
  );
});

it("refuses to start without the file, by its name", async () => {
  await expect(
    load(
      "placements: { own: { backend: postgres, provisioning: { file: none.sql } } }\ndefaultPlacement: own",
    ),
  ).rejects.toThrow(/none\.sql cannot be read/);
});
