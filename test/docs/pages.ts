import { mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type Block, blocksOf } from "./blocks.ts";
import { type Ended, runCommand, top } from "./process.ts";

/** A page whose blocks are run. */
export interface Page {
  /** From the repository's top: `docs/guide/start.md`. */
  readonly name: string;
  readonly blocks: readonly Block[];
}

const pageOf = async (name: string): Promise<Page> => ({
  name,
  blocks: blocksOf(await readFile(join(top, name), "utf8")),
});

/** The README and every page of the guide. */
export const readPages = async (): Promise<readonly Page[]> => {
  const guide = (await readdir(join(top, "docs/guide"))).filter((name) => name.endsWith(".md"));
  return Promise.all(["README.md", ...guide.map((name) => `docs/guide/${name}`)].map(pageOf));
};

export interface ShellRun {
  readonly ended: Ended;
  /** What each block wrote to stdout. */
  readonly outputs: readonly string[];
  /** The variables as the last block left them. */
  readonly env: Readonly<Record<string, string>>;
}

const separator = "\u0001";

/** What `npx` comes to here, without the half second that it takes to find out. */
export const shortNpx = `npx() { "${join(top, "node_modules/.bin")}/$@"; }\n`;

/**
 * Runs blocks one after another in one bash, as somebody does who reads the page; the first failure ends it. `before`
 * is run first.
 */
export const runShell = async (
  blocks: readonly Block[],
  env: Readonly<Record<string, string | undefined>>,
  before = "",
): Promise<ShellRun> => {
  const cut = `printf '${separator}'\n`;
  const script = `set -eu\n${before}${blocks.map(({ text }) => `${text}${cut}`).join("")}env -0\n`;
  const ended = await runCommand("bash", ["-c", script], env);
  const outputs = ended.stdout.split(separator);
  const variables = (outputs[blocks.length] ?? "").split("\0").filter((line) => line !== "");
  return {
    ended,
    outputs: outputs.slice(0, blocks.length),
    env: Object.fromEntries(
      variables.map((line) => [
        line.slice(0, line.indexOf("=")),
        line.slice(line.indexOf("=") + 1),
      ]),
    ),
  };
};

/** Node runs no TypeScript below `node_modules`; this folder is ignored and finds the same packages. */
const folder = join(top, "test-results", "docs");

const fileOf = (page: Page, block: Block): string =>
  join(folder, `${page.name.replaceAll(/[^A-Za-z]/g, "-")}-${block.line}.ts`);

const programsOf = (page: Page): readonly Block[] =>
  page.blocks.filter(({ language }) => language === "ts");

/** Writes every `ts` block to a file and compiles them all, as the repository's own code is compiled. */
export const compilePrograms = async (pages: readonly Page[]): Promise<Ended> => {
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  for (const page of pages)
    for (const block of programsOf(page)) await writeFile(fileOf(page, block), block.text);
  const config = {
    extends: "../../tsconfig.base.json",
    compilerOptions: {
      types: ["node"],
      composite: false,
      declarationMap: false,
      isolatedDeclarations: false,
      // A program that imports nothing is a module all the same.
      moduleDetection: "force",
      noEmit: true,
      rewriteRelativeImportExtensions: false,
      rootDir: ".",
    },
    include: ["*.ts"],
  };
  await writeFile(join(folder, "tsconfig.json"), JSON.stringify(config));
  await writeFile(join(folder, "package.json"), JSON.stringify({ type: "module" }));
  return runCommand("npx", ["tsc", "-p", join(folder, "tsconfig.json")]);
};

/** Runs the `ts` blocks of a page, one after another. */
export const runPrograms = async (
  page: Page,
  env: Readonly<Record<string, string | undefined>>,
): Promise<readonly (Ended & { readonly line: number })[]> => {
  const runs: (Ended & { readonly line: number })[] = [];
  for (const block of programsOf(page)) {
    const parameters = ["--conditions=bulkhead-source", fileOf(page, block)];
    runs.push({ line: block.line, ...(await runCommand(process.execPath, parameters, env)) });
  }
  return runs;
};
