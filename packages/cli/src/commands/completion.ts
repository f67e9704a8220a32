import { Argument, type Command } from "commander";
import type { Bind } from "../cli.ts";
import { bashScript } from "../completion/bash.ts";
import { type CommandEntry, commandTree } from "../completion/command-tree.ts";
import { fishScript } from "../completion/fish.ts";
import { zshScript } from "../completion/zsh.ts";

const scripts = { bash: bashScript, zsh: zshScript, fish: fishScript } as const satisfies Record<
  string,
  (entries: readonly CommandEntry[]) => string
>;

type Shell = keyof typeof scripts;

/** `completion`: a script out of the commands that there are, so that none is missing. */
export const addCompletion = (program: Command, bind: Bind): void => {
  program
    .command("completion")
    .description("print what teaches your shell to complete commands and flags")
    .addArgument(new Argument("<shell>").choices(Object.keys(scripts)))
    .addHelpText(
      "after",
      `
bash:  echo 'eval "$(bulkhead completion bash)"' >> ~/.bashrc
zsh:   bulkhead completion zsh > "\${fpath[1]}/_bulkhead"
fish:  bulkhead completion fish > ~/.config/fish/completions/bulkhead.fish`,
    )
    .action(
      bind(async (cli, shell: Shell) => {
        const script = scripts[shell](commandTree(program));
        await (cli.out.json ? cli.out.document({ shell, script }) : cli.out.line(script.trimEnd()));
      }),
    );
};
