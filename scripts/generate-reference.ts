// Writes what docs/reference takes from the code: `npm run reference`. With --check it writes nothing, names the pages
// that lag behind, and fails if there are any. A further argument is another folder than docs/reference.
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { cliPage } from "./reference/cli-page.ts";
import { configPage, configSchemaFile } from "./reference/config-page.ts";
import { errorsPage } from "./reference/errors-page.ts";
import { openApiFile, withRoutes } from "./reference/routes.ts";

const parameters = process.argv.slice(2);
const check = parameters.includes("--check");
const folder =
  parameters.find((parameter) => parameter !== "--check") ??
  join(import.meta.dirname, "..", "docs", "reference");

const committed = (name: string): string => {
  try {
    return readFileSync(join(folder, name), "utf8");
  } catch {
    return "";
  }
};

const pages: Readonly<Record<string, string>> = {
  "bulkhead.schema.json": configSchemaFile(),
  "config.md": configPage(),
  "cli.md": await cliPage(),
  "errors.md": errorsPage(),
  // Written by hand, but for its table.
  "http.md": withRoutes(committed("http.md")),
  "openapi.json": openApiFile(),
};

const lagging = Object.entries(pages).filter(([name, text]) => committed(name) !== text);
if (check) {
  for (const [name] of lagging) process.stdout.write(`${name} lags behind the code\n`);
  process.exitCode = lagging.length === 0 ? 0 : 1;
} else {
  mkdirSync(folder, { recursive: true });
  for (const [name, text] of lagging) {
    writeFileSync(join(folder, name), text);
    process.stdout.write(`${join(folder, name)}\n`);
  }
}
