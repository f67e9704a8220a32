import { PassThrough } from "node:stream";
import { run } from "bulkhead";
import { generated } from "./markdown.ts";

/** Runs `bulkhead … --help` in this process and returns what it prints. */
const helpOf = async (words: readonly string[]): Promise<string> => {
  const stdout = new PassThrough();
  const chunks: Buffer[] = [];
  stdout.on("data", (chunk: Buffer) => chunks.push(chunk));
  const code = await run([...words, "--help"], {
    stdin: new PassThrough(),
    stdout,
    stderr: new PassThrough(),
    isTTY: { stdin: false, stdout: false, stderr: false },
    env: {},
    cwd: "/",
  });
  stdout.end();
  if (code !== 0) throw new Error(`bulkhead ${words.join(" ")} --help exited with ${code}`);
  return Buffer.concat(chunks).toString();
};

/** The commands that a help text lists; those that follow `Options:` begin with a dash, arguments stand before them. */
const commandsIn = (help: string): readonly string[] => {
  const names: string[] = [];
  let listing = false;
  for (const line of help.split("\n")) {
    const title = /^(\S.*):$/.exec(line)?.[1];
    if (title !== undefined) listing = title !== "Options" && title !== "Arguments";
    const name = /^ {2}([a-z][a-z-]*)(?:[| ]|$)/.exec(line)?.[1];
    if (listing && name !== undefined && name !== "help") names.push(name);
  }
  return names;
};

const sectionsOf = async (words: readonly string[]): Promise<readonly string[]> => {
  const help = await helpOf(words);
  const below: string[] = [];
  for (const name of commandsIn(help)) below.push(...(await sectionsOf([...words, name])));
  const title =
    words.length === 0 ? [] : [`${"#".repeat(words.length + 1)} bulkhead ${words.join(" ")}`, ""];
  return [...title, "```text", help.trimEnd(), "```", "", ...below];
};

/** Renders `docs/reference/cli.md`. */
export const cliPage = async (): Promise<string> =>
  [
    "# Command line",
    "",
    generated,
    "",
    "In a clone, `npx bulkhead` runs it. Data goes to stdout; progress, notes and prompts to stderr. A flag wins over its",
    "variable, the variable over a stored profile. Profiles are in `$XDG_CONFIG_HOME/bulkhead/config.json`, mode 0600. A stored",
    "key is only sent to the server it was stored with. What an error exits with is in [errors](errors.md).",
    "",
    ...(await sectionsOf([])),
  ]
    .join("\n")
    .trimEnd()
    .concat("\n");
