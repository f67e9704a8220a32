import { cp, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { loadConfig, parseConfig } from "@bulkhead/server";
import { expect, test } from "vitest";
import { type Ended, runCommand, top } from "./process.ts";

const generate = (...parameters: readonly string[]): Promise<Ended> =>
  runCommand(process.execPath, [
    "--conditions=bulkhead-source",
    join(top, "scripts/generate-reference.ts"),
    ...parameters,
  ]);

test("the committed reference is what the code says: `npm run reference` renews it", async () => {
  const { code, stdout, stderr } = await generate("--check");
  expect({ code, stdout, stderr }).toMatchObject({ code: 0, stdout: "" });
}, 60_000);

test("a page that lags is named, and a run writes it anew", async () => {
  const folder = await mkdtemp(join(tmpdir(), "bulkhead-reference-"));
  try {
    await cp(join(top, "docs/reference"), folder, { recursive: true });
    const pages = (await readdir(folder)).sort();
    expect(pages).toEqual([
      "bulkhead.schema.json",
      "cli.md",
      "config.md",
      "errors.md",
      "http.md",
      "openapi.json",
    ]);
    for (const page of pages) {
      const text = await readFile(join(folder, page), "utf8");
      const changed = text.replace(
        /GET \/v1\/jobs|"mintKey"|"object"|bulkhead key rotate|`durability`|`too-large`/,
        "another",
      );
      expect(changed).not.toBe(text);
      await writeFile(join(folder, page), changed);
    }
    const checked = await generate("--check", folder);
    expect(checked.code).toBe(1);
    for (const page of pages) expect(checked.stdout).toContain(`${page} lags`);
    expect((await generate(folder)).code).toBe(0);
    for (const page of pages)
      expect(await readFile(join(folder, page), "utf8")).toBe(
        await readFile(join(top, "docs/reference", page), "utf8"),
      );
  } finally {
    await rm(folder, { recursive: true });
  }
}, 60_000);

test("the defaults that the guide tells are those of the configuration", async () => {
  const start = await readFile(join(top, "docs/guide/start.md"), "utf8");
  const config = await loadConfig(undefined, {}, {});
  expect(start).toContain(`| \`--host\` | \`BULKHEAD_HOST\` | \`${config.host}\` |`);
  expect(start).toContain(`| \`--port\` | \`BULKHEAD_PORT\` | \`${config.port}\`;`);
  expect(start).toContain(
    `| \`--data-dir\` | \`BULKHEAD_DATA_DIR\` | \`${parseConfig({}).dataDir}\` |`,
  );
  expect(start).toContain(`at most\n${config.shutdownGraceSeconds} seconds`);
});
