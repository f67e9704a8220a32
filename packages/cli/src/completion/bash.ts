import { type CommandEntry, singleQuoted } from "./command-tree.ts";
import { tableFunction, walk } from "./posix-tables.ts";

/** The script that teaches bash 4 or newer what follows `bulkhead`. */
export const bashScript = (entries: readonly CommandEntry[]): string => {
  const [root] = entries;
  const flags = ({ flags: own }: CommandEntry): readonly string[] => [
    ...new Set([...own, ...(root?.flags ?? [])].flatMap(({ names }) => names)),
  ];
  const table = tableFunction("_bulkhead_at", entries, (entry) => [
    `offered=${singleQuoted(
      [...entry.commands.map(({ names }) => names[0]), ...entry.choices].join(" "),
    )}`,
    `flags=${singleQuoted(flags(entry).join(" "))}`,
  ]);
  return `# What follows 'bulkhead' in bash. Load it with: eval "$(bulkhead completion bash)"
${table}

_bulkhead() {
  local cur="\${COMP_WORDS[COMP_CWORD]}" at= known= valued= offered= flags= value= word i
${walk("_bulkhead_at", "COMP_WORDS", { first: 1, end: "COMP_CWORD" })}
  COMPREPLY=()
  # A flag's value and a path are completed as files are.
  [[ -n "$value" ]] && return
  if [[ "$cur" == -* ]]; then
    COMPREPLY=($(compgen -W "$flags" -- "$cur"))
  else
    COMPREPLY=($(compgen -W "$offered" -- "$cur"))
  fi
}

complete -o default -F _bulkhead bulkhead
`;
};
