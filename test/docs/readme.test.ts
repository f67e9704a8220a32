import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type TempDir, tempDir } from "@bulkhead/harness";
import { loadConfig } from "@bulkhead/server";
import { afterAll, beforeAll, expect, test } from "vitest";
import { blocksOf, isPrinted } from "./blocks.ts";
import {
  compilePrograms,
  type Page,
  readPages,
  runPrograms,
  runShell,
  shortNpx,
  type ShellRun,
} from "./pages.ts";
import { type NpmStart, npmStart } from "./process.ts";

// One file, because it builds: the server is the one that a newcomer starts, from what `npm start` compiles.

const pages = await readPages();
const readme = pages.find(({ name }) => name === "README.md");
if (readme === undefined) throw new Error("There is no README.md.");
const languageOf = (page: Page, language: string) =>
  page.blocks.filter((block) => block.language === language);

// A developer's own settings are no part of what is documented.
const clean = Object.fromEntries(
  Object.keys(process.env)
    .filter((name) => name.startsWith("BULKHEAD_"))
    .map((name) => [name, undefined]),
);

let dir: TempDir;
let server: NpmStart;
let env: Readonly<Record<string, string | undefined>>;
const shells = new Map<string, Promise<ShellRun>>();

beforeAll(async () => {
  dir = await tempDir();
  server = await npmStart(["--port", "0", "--data-dir", join(dir.path, "data")], clean);
  const key = /^platform key: (\S+) \(shown once; kept in (.+)\)$/m.exec(server.stdout);
  if (key?.[2] !== join(dir.path, "data", "platform-key"))
    throw new Error(`The platform key is not told as the README says:\n${server.stdout}`);
  const compiled = await compilePrograms(pages);
  if (compiled.code !== 0) throw new Error(`A program does not compile:\n${compiled.stdout}`);
  env = {
    ...clean,
    BULKHEAD_URL: server.url,
    BULKHEAD_KEY: key?.[1],
    BULKHEAD_DATA_DIR: join(dir.path, "data"),
    XDG_CONFIG_HOME: join(dir.path, "config"),
  };
}, 240_000);

afterAll(async () => {
  await server?.[Symbol.asyncDispose]();
  await dir?.remove();
}, 60_000);

/** What the `sh` blocks of a page did; they run once. The README's are run with npm's own `npx`. */
const shellOf = (page: Page): Promise<ShellRun> => {
  const run =
    shells.get(page.name) ?? runShell(languageOf(page, "sh"), env, page === readme ? "" : shortNpx);
  shells.set(page.name, run);
  return run;
};

test("the README's ten lines make two tenants, and one is refused by the other's files", async () => {
  const blocks = languageOf(readme, "sh");
  expect(blocks).toHaveLength(1);
  expect(blocks[0]?.text.trimEnd().split("\n")).toHaveLength(10);
  const { ended, outputs } = await shellOf(readme);
  expect(ended.code, ended.stderr).toBe(0);

  const [, stored, content, refused] =
    /(\{"path":.*?\})(for acme only)(\{.*\})\s*$/s.exec(outputs[0] ?? "") ?? [];
  expect(JSON.parse(stored ?? "")).toMatchObject({ path: "/workspace/acme/plan.txt", size: 13 });
  expect(content).toBe("for acme only");
  const printed: unknown = JSON.parse(languageOf(readme, "json")[0]?.text ?? "");
  expect(printed).toMatchObject({ status: 403, code: "outside-workspace", requestId: "…" });
  expect({ ...JSON.parse(refused ?? ""), requestId: "…" }).toEqual(printed);
}, 60_000);

test("the README's program is refused in TypeScript, too", async () => {
  const { env: after } = await shellOf(readme);
  expect(after["ACME_KEY"]).toMatch(/^bhk_/);
  expect(after["BETA_KEY"]).toMatch(/^bhk_/);
  const [remote, inProcess, ...others] = await runPrograms(readme, { ...env, ...after });
  expect(remote).toMatchObject({ code: 0, stdout: "Q3: all well\n\n403 outside-workspace\n" });
  expect(inProcess).toMatchObject({ code: 0, stdout: "on disk\n" });
  expect(others).toEqual([]);
}, 120_000);

const guide = pages.filter((page) => page !== readme);

test("the guide has its pages, and each shows something that runs", () => {
  expect(guide.map(({ name }) => name).sort()).toEqual([
    "docs/guide/agents.md",
    "docs/guide/backup.md",
    "docs/guide/buckets.md",
    "docs/guide/database-per-tenant.md",
    "docs/guide/deployments.md",
    "docs/guide/embedding.md",
    "docs/guide/history.md",
    "docs/guide/mounts.md",
    "docs/guide/moving.md",
    "docs/guide/operating.md",
    "docs/guide/quotas-and-plans.md",
    "docs/guide/rates.md",
    "docs/guide/regions.md",
    "docs/guide/relations.md",
    "docs/guide/saas.md",
    "docs/guide/start.md",
    "docs/guide/sync.md",
    "docs/guide/tenants-and-keys.md",
    "docs/guide/upgrade.md",
    "docs/guide/uploads.md",
    "docs/guide/usage-and-bills.md",
    "docs/guide/verify.md",
  ]);
  for (const page of guide)
    expect(page.blocks.some(({ language }) => /^(?:sh|ts|yaml)$/.test(language))).toBe(true);
});

test("every block says what it is", () => {
  for (const { name, blocks } of pages)
    for (const { language, line } of blocks)
      expect(["sh", "ts", "yaml", "json", "text", "console", "http"], `${name}:${line}`).toContain(
        language,
      );
});

test.for(guide.map((page) => [page.name, page] as const))(
  "%s: commands run and answer what is printed",
  { timeout: 120_000 },
  async ([, page]) => {
    const { ended, outputs } = await shellOf(page);
    expect(ended.code, `${ended.stdout}\n${ended.stderr}`).toBe(0);
    let shell = -1;
    page.blocks.forEach(({ language, text, line }, i) => {
      if (language === "sh") shell += 1;
      if (language !== "text" || page.blocks[i - 1]?.language !== "sh") return;
      const output = outputs[shell] ?? "";
      expect(isPrinted(text, output), `line ${line}: ${output}`).toBe(true);
    });
  },
);

test.for(guide.map((page) => [page.name, page] as const))(
  "%s: programs run",
  { timeout: 120_000 },
  async ([, page]) => {
    const { env: after } = await shellOf(page);
    for (const { line, code, stdout, stderr } of await runPrograms(page, { ...env, ...after }))
      expect(code, `line ${line}: ${stdout}\n${stderr}`).toBe(0);
  },
);

test.for(pages.map((page) => [page.name, page] as const))(
  "%s: configurations are valid",
  async ([, page]) => {
    for (const { text, line } of languageOf(page, "yaml")) {
      const file = join(dir.path, "bulkhead.yaml");
      await writeFile(file, text);
      // What a page takes from the environment is there.
      const named = [...text.matchAll(/\$\{(\w+)\}/g)].map(([, name = ""]) => [name, "given"]);
      const config = await loadConfig(file, {}, Object.fromEntries(named));
      expect(Object.keys(config.placements), `line ${line}`).not.toHaveLength(0);
    }
  },
);

test("blocks are found as they stand, and output is compared line by line", () => {
  expect(blocksOf("a\n```sh\nx\n```\n```\ny\n```\n")).toEqual([
    { language: "sh", text: "x\n", line: 2 },
    { language: "", text: "y\n", line: 5 },
  ]);
  expect(() => blocksOf("```sh\nx\n")).toThrow("line 1");
  expect(isPrinted("a…c\nd.\n", "abbc\nd.\n\n")).toBe(true);
  expect(isPrinted("a\n", "a\nb\n")).toBe(false);
  expect(isPrinted("d.\n", "dx\n")).toBe(false);
});
