import { type CommandEntry, spellings } from "./command-tree.ts";

/** In fish's single quotes a backslash and a quote are written with a backslash before them. */
const quoted = (text: string): string => `'${text.replaceAll(/[\\']/g, String.raw`\$&`)}'`;

const lines = (pairs: readonly (readonly [string, string])[]): string =>
  pairs
    .map(([name, about]) => `            printf '%s\\t%s\\n' ${quoted(name)} ${quoted(about)}`)
    .join("\n");

/** The script that teaches fish what follows `bulkhead`. */
export const fishScript = (entries: readonly CommandEntry[]): string => {
  const [root] = entries;
  const table = (body: (entry: CommandEntry) => string): string =>
    entries
      .map(
        (entry) =>
          `        case ${spellings(entry).map(quoted).join(" ")}\n${body(entry) || "            true"}`,
      )
      .join("\n");
  const names = (all: readonly string[]): string =>
    all.length === 0 ? "" : `            printf '%s\\n' ${all.map(quoted).join(" ")}`;
  const flags = (entry: CommandEntry): string =>
    lines(
      entry.flags.flatMap(({ names: all, about }) => all.map((name) => [name, about] as const)),
    );
  return `# What follows 'bulkhead' in fish. Load it with: bulkhead completion fish | source
function __bulkhead_known
    switch $argv[1]
${table(({ commands }) => names(commands.flatMap(({ names: all }) => all)))}
    end
end

function __bulkhead_valued
    switch $argv[1]
${table(({ flags: all }) => names(all.filter(({ valued }) => valued).flatMap((one) => one.names)))}
    end
end

function __bulkhead_offered
    switch $argv[1]
${table(({ commands, choices }) =>
  lines([
    ...commands.map(({ names: [name = ""], about }) => [name, about] as const),
    ...choices.map((choice) => [choice, ""] as const),
  ]),
)}
    end
end

function __bulkhead_flags
    switch $argv[1]
${table((entry) => (entry === root ? flags(entry) : `${flags(entry)}\n            __bulkhead_flags ''`))}
    end
end

function __bulkhead_complete
    set -l at ''
    set -l value
    for word in (commandline -opc)[2..]
        if set -q value[1]
            set value
        else if contains -- $word (__bulkhead_valued '') (__bulkhead_valued $at)
            set value yes
        else if contains -- $word (__bulkhead_known $at)
            set at (string trim -- "$at $word")
        end
    end
    set -l cur (commandline -ct)
    if set -q value[1]
        __fish_complete_path $cur
    else if string match -q -- '-*' $cur
        __bulkhead_flags $at
    else
        set -l offered (__bulkhead_offered $at)
        if set -q offered[1]
            printf '%s\\n' $offered
        else
            __fish_complete_path $cur
        end
    end
end

complete -c bulkhead -f -a '(__bulkhead_complete)'
`;
};
