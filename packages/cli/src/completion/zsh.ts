import { type CommandEntry, singleQuoted } from "./command-tree.ts";
import { tableFunction, walk } from "./posix-tables.ts";

/** A candidate and what is told of it, as _describe takes them. */
const described = (name: string, about: string): string =>
  singleQuoted(`${name.replaceAll(":", String.raw`\:`)}:${about}`);

/** The script that teaches zsh what follows `bulkhead`. */
export const zshScript = (entries: readonly CommandEntry[]): string => {
  const [root] = entries;
  const flagsOf = (entry: CommandEntry): readonly string[] => {
    const all = entry === root ? entry.flags : [...entry.flags, ...(root?.flags ?? [])];
    const told = new Map<string, string>();
    for (const { names, about } of all)
      for (const name of names) if (!told.has(name)) told.set(name, about);
    return [...told].map(([name, about]) => described(name, about));
  };
  const table = tableFunction("_bulkhead_at", entries, (entry) => [
    `offered=(${[
      ...entry.commands.map(({ names: [name = ""], about }) => described(name, about)),
      ...entry.choices.map((choice) => described(choice, "")),
    ].join(" ")})`,
    `flags=(${flagsOf(entry).join(" ")})`,
  ]);
  return `#compdef bulkhead
# What follows 'bulkhead' in zsh. Load it with: source <(bulkhead completion zsh), after compinit.
${table}

_bulkhead() {
  local at= known= valued= value= word i
  local -a offered flags
${walk("_bulkhead_at", "words", { first: 2, end: "CURRENT" })}
  if [[ -n "$value" ]]; then
    _files
  elif [[ "\${words[CURRENT]}" == -* ]]; then
    _describe -o 'flag' flags
  elif (( \${#offered} )); then
    _describe 'command' offered
  else
    _files
  fi
}

if [[ "\${funcstack[1]}" == _bulkhead ]]; then
  _bulkhead "$@"
else
  compdef _bulkhead bulkhead
fi
`;
};
