import { execFile, execFileSync } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { type TempDir, tempDir } from "@bulkhead/harness";
import { afterAll, beforeAll, expect, test } from "vitest";
import { runCli } from "./test/session.ts";

const run = promisify(execFile);
const shells = ["bash", "zsh", "fish"] as const;
type Shell = (typeof shells)[number];

let folder: TempDir;
beforeAll(async () => {
  folder = await tempDir();
});
afterAll(() => folder.remove());

const isThere = (shell: Shell): boolean => {
  try {
    execFileSync(shell, ["-c", "exit 0"]);
    return true;
  } catch {
    return false;
  }
};

/** Asks a shell what it offers behind each of the lines, without what it says of it. */
const asks: Readonly<Record<Shell, (script: string, lines: readonly string[]) => string>> = {
  bash: (script, lines) => `source ${script}
complete -p bulkhead >/dev/null || exit 1
offer() { COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _bulkhead; echo "\${COMPREPLY[*]}"; }
${lines.map((line) => `offer ${line.replace(/ $/, " ''")}`).join("\n")}`,
  // The functions that take candidates stand in for the line editor, which needs a terminal.
  zsh: (script, lines) => `compdef() { [[ "$*" == "_bulkhead bulkhead" ]] || exit 1 }
_describe() { local -a all=(\${\${(P)@[-1]}%%:*}); print -r -- \${(M)all:#\${words[CURRENT]}*} }
_files() { print }
source ${script}
offer() { words=("$@"); CURRENT=$#; _bulkhead }
${lines.map((line) => `offer ${line.replace(/ $/, " ''")}`).join("\n")}`,
  fish: (script, lines) =>
    `source ${script}\n${lines.map((line) => `echo (complete -C '${line}' | string replace -r '\\t.*' '')`).join("\n")}`,
};

/** What each line is answered, in an order that is nobody's. */
const offered = async (shell: Shell, lines: readonly string[]): Promise<readonly string[][]> => {
  const { code, out, err } = await runCli(["completion", shell]);
  expect(code, err).toBe(0);
  const script = join(folder.path, shell);
  await writeFile(script, out);
  const bare = { bash: ["--norc"], zsh: ["-f"], fish: ["--no-config"] }[shell];
  const { stdout } = await run(shell, [...bare, "-c", asks[shell](script, lines)], {
    cwd: folder.path,
    env: { PATH: process.env["PATH"], HOME: folder.path },
  });
  return stdout
    .trimEnd()
    .split("\n")
    .map((line) =>
      line
        .split(" ")
        .filter((word) => word !== "")
        .toSorted(),
    );
};

/** The commands that a help text lists. */
const listed = async (words: readonly string[]): Promise<string[]> => {
  const { out } = await runCli([...words, "--help"]);
  const commands = out.slice(out.search(/^(?:Commands|Files):$/m));
  return [...commands.matchAll(/^ {2}([a-z][a-z-]*)(?:\|[a-z]+)*(?: |$)/gm)]
    .map(([, name = ""]) => name)
    .filter((name) => name !== "help")
    .toSorted();
};

test.for(shells)(
  "%s is offered every command that there is, flags with their values behind them, and files",
  { timeout: 60_000 },
  async (shell, { skip }) => {
    skip(!isThere(shell), `${shell} is not on PATH`);
    const [nouns, ...answers] = await offered(shell, [
      "bulkhead ",
      "bulkhead tenant ",
      "bulkhead --url http://x residency --json directory ",
      "bulkhead mount list --j",
      "bulkhead relation ls --sub",
      "bulkhead completion ",
    ]);
    expect(nouns).toEqual(await listed([]));
    expect(nouns).toContain("completion");
    expect(answers[0]).toEqual(await listed(["tenant"]));
    expect(answers[1]).toEqual(["ls", "put", "rm"]);
    expect(answers[2]).toEqual(["--json"]);
    expect(answers[3]).toContain("--subject");
    expect(answers[4]).toEqual(["bash", "fish", "zsh"]);
    // What is a value is no command: the word after --url is none, and one that is called like one leads nowhere.
    const [value, after] = await offered(shell, [
      "bulkhead --profile tenant comp",
      "bulkhead --key tenant --json tenant del",
    ]);
    expect(value).toEqual(["completion"]);
    expect(after).toEqual(["delete"]);
  },
);
