import { type CommandEntry, singleQuoted, spellings } from "./command-tree.ts";

const listed = (names: readonly string[]): string => singleQuoted(names.join(" "));

/** The names of flags that a word follows. */
const valuedIn = ({ flags }: CommandEntry): readonly string[] =>
  flags.filter(({ valued }) => valued).flatMap(({ names }) => names);

/**
 * The function that bash and zsh find in `name`: told a command's words it sets what may follow, with what `candidates`
 * makes of the commands, flags and choices.
 */
export const tableFunction = (
  name: string,
  entries: readonly CommandEntry[],
  candidates: (entry: CommandEntry) => readonly string[],
): string => {
  const cases = entries.map((entry) =>
    [
      `    ${spellings(entry).map(singleQuoted).join("|")})`,
      `      known=${listed(entry.commands.flatMap(({ names }) => names))}`,
      `      valued=${listed([...valuedIn(entries[0] ?? entry), ...valuedIn(entry)])}`,
      ...candidates(entry).map((line) => `      ${line}`),
      "      ;;",
    ].join("\n"),
  );
  return [`${name}() {`, '  case "$1" in', ...cases, "  esac", "}"].join("\n");
};

/** Finds the words of the command that is being written, in the words before the one that is completed. */
export const walk = (
  table: string,
  words: string,
  { first, end }: { readonly first: number; readonly end: string },
): string =>
  [
    `  ${table} ""`,
    `  for ((i = ${first}; i < ${end}; i++)); do`,
    `    word="\${${words}[i]}"`,
    '    if [[ " $valued " == *" $word "* ]]; then',
    "      ((i++))",
    `      (( i == ${end} )) && value=1`,
    '    elif [[ -n "$word" && " $known " == *" $word "* ]]; then',
    '      at="${at:+$at }$word"',
    `      ${table} "$at"`,
    "    fi",
    "  done",
  ].join("\n");
