import type { Command, Option } from "commander";

/** A flag as a shell offers it. */
export interface FlagEntry {
  readonly names: readonly string[];
  readonly about: string;
  /** True where a word follows that belongs to it. */
  readonly valued: boolean;
}

/** A command as a shell finds it: what may follow. */
export interface CommandEntry {
  /** The words that lead here, each with its aliases; none for `bulkhead` itself. */
  readonly words: readonly (readonly string[])[];
  readonly commands: readonly { readonly names: readonly string[]; readonly about: string }[];
  readonly flags: readonly FlagEntry[];
  /** What its argument may be, where that is a short list. */
  readonly choices: readonly string[];
}

const namesOf = (command: Command): readonly string[] => [command.name(), ...command.aliases()];

const flagOf = ({ short, long, description, required, optional }: Option): FlagEntry => ({
  names: [short, long].filter((name) => name !== undefined),
  about: description,
  valued: required || optional,
});

/** Lists a command and all below it, the outer ones first. The flags of the first are for every other, too. */
export const commandTree = (
  command: Command,
  words: CommandEntry["words"] = [],
): readonly CommandEntry[] => {
  const { commands, options, registeredArguments } = command;
  const help = { names: ["--help"], about: "show this and exit", valued: false };
  const entry: CommandEntry = {
    words,
    commands: commands.map((one) => ({ names: namesOf(one), about: one.description() })),
    flags: [...options.filter(({ hidden }) => !hidden).map(flagOf), help],
    choices: registeredArguments.flatMap(({ argChoices }) => argChoices ?? []),
  };
  return [entry, ...commands.flatMap((one) => commandTree(one, [...words, namesOf(one)]))];
};

/** Every way to write the words that lead to a command, spaces between. */
export const spellings = ({ words }: CommandEntry): readonly string[] =>
  words.reduce<readonly string[]>(
    (before, names) =>
      before.flatMap((line) => names.map((name) => (line === "" ? name : `${line} ${name}`))),
    [""],
  );

/** A word of a shell's that stands for `text` and nothing else. */
export const singleQuoted = (text: string): string => `'${text.replaceAll("'", String.raw`'\''`)}'`;
