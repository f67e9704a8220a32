import { readdir, readFile, stat } from "node:fs/promises";
import { dirname, join, relative } from "node:path";
import { expect, test } from "vitest";
import { top } from "./process.ts";

const pagesBelow = async (folder: string): Promise<readonly string[]> =>
  (await readdir(join(top, folder), { recursive: true }))
    .filter((name) => name.endsWith(".md") && !name.includes("node_modules"))
    .map((name) => join(folder, name));

const isThere = (path: string): Promise<boolean> =>
  stat(join(top, path)).then(
    () => true,
    () => false,
  );

const packages = (await readdir(join(top, "packages"))).map((name) => `packages/${name}`);
const pages: string[] = ["README.md", "CONTRIBUTING.md", ...(await pagesBelow("docs"))];
for (const folder of packages)
  if (await isThere(`${folder}/README.md`)) pages.push(`${folder}/README.md`);

test.for(packages)("%s says what it is", async (folder) => {
  if (!(await isThere(`${folder}/package.json`))) return;
  const { name } = JSON.parse(await readFile(join(top, folder, "package.json"), "utf8"));
  expect(await readFile(join(top, folder, "README.md"), "utf8")).toMatch(`# ${name}\n\n`);
});

/** The anchor that a heading gets where Markdown is shown. */
const anchorOf = (heading: string): string =>
  heading
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N} _-]/gu, "")
    .replaceAll(" ", "-");

test.for(pages)("%s: what it links to is there", async (page) => {
  const text = await readFile(join(top, page), "utf8");
  for (const [, target = ""] of text.matchAll(/\]\(([^)\s]+)\)/g)) {
    if (/^https?:/.test(target)) continue;
    const [file = "", anchor] = target.split("#");
    const path = file === "" ? page : join(dirname(page), file);
    expect(await isThere(path), target).toBe(true);
    if (anchor === undefined) continue;
    const headings = (await readFile(join(top, path), "utf8")).matchAll(/^#+ (.+)$/gm);
    expect(
      [...headings].map(([, heading = ""]) => anchorOf(heading)),
      target,
    ).toContain(anchor);
  }
});

test.for(pages)("%s: the tests it names are there", async (page) => {
  const text = await readFile(join(top, page), "utf8");
  for (const [, name = ""] of text.matchAll(/`((?:packages|test|scripts)\/[\w./-]+)`/g))
    expect(await isThere(name), name).toBe(true);
});

test("every decision is in the table, under its number", async () => {
  const index = await readFile(join(top, "docs/decisions/README.md"), "utf8");
  const records = (await pagesBelow("docs/decisions"))
    .map((page) => relative("docs/decisions", page))
    .filter((name) => name !== "README.md")
    .sort();
  const rows = [...index.matchAll(/^\| \[(\d{4})\]\(([^)]+)\) \| .+ \|$/gm)];
  expect(rows.map(([, , file]) => file)).toEqual(records);
  for (const [, number, file = ""] of rows) {
    expect(number).toBe(file.slice(0, 4));
    const text = await readFile(join(top, "docs/decisions", file), "utf8");
    expect(text).toMatch(new RegExp(`^# ${number}: `));
    for (const part of ["Context", "Decision", "Consequences"])
      expect(text).toContain(`\n## ${part}\n`);
  }
});
