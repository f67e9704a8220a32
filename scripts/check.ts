// Runs every check but the tests: `npm run check`, or only some of them: `npm run check -- lint format`.
// Prints the output of what failed, and one line for each check at the end.
import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, readdirSync } from "node:fs";
import { delimiter, join } from "node:path";

interface Check {
  readonly name: string;
  /** What a failure means, for the reader of the summary. */
  readonly about: string;
  readonly command: readonly [string, ...string[]];
}

interface Outcome {
  readonly check: Check;
  readonly passed: boolean;
  readonly seconds: string;
}

const root = join(import.meta.dirname, "..");

const projects = (): readonly string[] => [
  ...readdirSync(join(root, "packages")).flatMap((folder) =>
    ["tsconfig.json", "tsconfig.test.json"]
      .map((file) => join("packages", folder, file))
      .filter((file) => existsSync(join(root, file))),
  ),
  ...["test", "bench", "scripts"].filter((folder) =>
    existsSync(join(root, folder, "tsconfig.json")),
  ),
];

// The others read what this one builds.
const types: Check = {
  name: "types",
  about: "sources, tests and scripts compile",
  command: ["tsc", "-b", ...projects()],
};

const rest: readonly Check[] = [
  {
    name: "lint",
    about: "oxlint, with types",
    command: ["oxlint"],
  },
  { name: "format", about: "oxfmt; `npm run format` repairs it", command: ["oxfmt", "--check"] },
  {
    name: "sources",
    about: "arrows between packages, casts of paths, length of files",
    command: ["node", "scripts/check-sources.ts"],
  },
  {
    name: "exports",
    about: "knip: dead exports and files, dependencies unused or unlisted",
    command: ["knip", "--no-progress"],
  },
  {
    name: "packages",
    about: "publint and attw on each package as it would be published",
    command: [
      "turbo",
      "run",
      "check",
      "--continue",
      "--concurrency=2",
      "--output-logs=errors-only",
    ],
  },
];

const environment = {
  ...process.env,
  PATH: [join(root, "node_modules", ".bin"), process.env["PATH"] ?? ""].join(delimiter),
  TURBO_TELEMETRY_DISABLED: "1",
};

/** Resolves with whether the process ended well; one that cannot be started did not. */
const ended = (child: ChildProcess): Promise<boolean> =>
  new Promise((resolve) => {
    child.once("error", (error) => {
      process.stdout.write(`${error.message}\n`);
      resolve(false);
    });
    child.once("close", (code) => resolve(code === 0));
  });

const run = async (check: Check): Promise<Outcome> => {
  const start = performance.now();
  const [command, ...parameters] = check.command;
  const child = spawn(command, parameters, {
    cwd: root,
    env: environment,
    stdio: ["ignore", "pipe", "pipe"],
  });
  const output: Buffer[] = [];
  const keep = (chunk: Buffer): void => void output.push(chunk);
  child.stdout.on("data", keep);
  child.stderr.on("data", keep);
  const passed = await ended(child);
  if (!passed) process.stdout.write(`\n--- ${check.name} ---\n${Buffer.concat(output).toString()}`);
  return { check, passed, seconds: ((performance.now() - start) / 1000).toFixed(1) };
};

const names = process.argv.slice(2);
const known = [types, ...rest].map((check) => check.name);
const unknown = names.filter((name) => !known.includes(name));
if (unknown.length > 0) {
  process.stderr.write(`No such check: ${unknown.join(", ")}. There are ${known.join(", ")}.\n`);
  process.exit(2);
}
const chosen = (check: Check): boolean => names.length === 0 || names.includes(check.name);

const outcomes: Outcome[] = [];
if (chosen(types)) outcomes.push(await run(types));
const queue = rest.filter(chosen);
const worker = async (): Promise<void> => {
  for (let check = queue.shift(); check !== undefined; check = queue.shift())
    outcomes.push(await run(check));
};
await Promise.all([worker(), worker()]);

process.stdout.write("\n");
for (const { check, passed, seconds } of outcomes)
  process.stdout.write(
    `${passed ? "ok    " : "FAILED"} ${check.name} (${seconds} s): ${check.about}\n`,
  );
process.exit(outcomes.every(({ passed }) => passed) ? 0 : 1);
