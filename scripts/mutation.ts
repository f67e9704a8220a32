// Changes what decides, a little at a time, and counts how much of that no unit test notices: `npm run test:mutation`, or
// of some areas only: `npm run test:mutation -- path scope`. A run of all writes docs/reports/mutation.md; it ends with 1
// where less than 90 % of an area is noticed, or more than 2 % is ignored.
import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { z } from "zod";
import { areas } from "./mutation/areas.ts";
import { mutationReport, percent, summarize } from "./mutation/report.ts";
import { mutatedSources, root } from "./mutation/sources.ts";

const given = process.argv.slice(2);
const unknown = given.filter((name) => !areas.some((area) => area.name === name));
if (unknown.length > 0) {
  process.stderr.write(
    `No such area: ${unknown.join(", ")}. There are ${areas.map(({ name }) => name).join(", ")}.\n`,
  );
  process.exit(2);
}
const wanted = given.length === 0 ? areas.map(({ name }) => name) : given;
const folder = mkdtempSync(join(tmpdir(), "bulkhead-mutation-"));
const file = join(folder, "survived.json");
try {
  const vitest = join(root, "node_modules", "vitest", "vitest.mjs");
  const { status } = spawnSync(
    process.execPath,
    [vitest, "run", "--config", join(root, "scripts/mutation/vitest.config.ts")],
    {
      cwd: root,
      stdio: "inherit",
      env: {
        ...process.env,
        BULKHEAD_MUTATION_AREAS: wanted.join(" "),
        BULKHEAD_MUTATION_REPORT: file,
      },
    },
  );
  if (status !== 0) process.exit(status ?? 1);
  const survived = new Set(z.array(z.number()).parse(JSON.parse(readFileSync(file, "utf8"))));
  const sources = mutatedSources().filter(({ area }) => wanted.includes(area));
  const summary = summarize(sources, survived);
  for (const { file: source, mutant } of summary.survivors)
    process.stdout.write(
      `survived ${source}:${mutant.line} ${mutant.operator}: ${mutant.was.slice(0, 100)} -> ${mutant.became.slice(0, 100)}\n`,
    );
  for (const { name, killed, total, ignored } of summary.areas)
    process.stdout.write(
      `${name.padEnd(8)} ${killed} of ${total - ignored} killed (${percent(killed, total - ignored)} %), ${ignored} ignored\n`,
    );
  if (given.length === 0) {
    const commit = execFileSync("git", ["rev-parse", "--short", "HEAD"], {
      cwd: root,
      encoding: "utf8",
    }).trim();
    writeFileSync(join(root, "docs", "reports", "mutation.md"), mutationReport(summary, commit));
  }
  process.exitCode = summary.good ? 0 : 1;
} finally {
  rmSync(folder, { recursive: true, force: true });
}
