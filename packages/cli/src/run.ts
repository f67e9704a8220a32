import { Command, CommanderError } from "commander";
import { type Bind, type Cli, createCli, type GlobalFlags } from "./cli.ts";
import { addAudit } from "./commands/audit.ts";
import { addBackup, addRestore } from "./commands/backup.ts";
import { addBench } from "./commands/bench.ts";
import { addCat } from "./commands/cat.ts";
import { addChanges } from "./commands/changes.ts";
import { addCompletion } from "./commands/completion.ts";
import { addConfig } from "./commands/config.ts";
import { addCopyAndMove } from "./commands/copy-move.ts";
import { addDoctor } from "./commands/doctor.ts";
import { addDu } from "./commands/du.ts";
import { addExplain } from "./commands/explain.ts";
import { addGet } from "./commands/get.ts";
import { addGrant } from "./commands/grant.ts";
import { addGroup } from "./commands/group.ts";
import { addImportTree } from "./commands/import-tree.ts";
import { addJob } from "./commands/job.ts";
import { addKey } from "./commands/key.ts";
import { addLs } from "./commands/ls.ts";
import { addMkdir } from "./commands/mkdir.ts";
import { addMount } from "./commands/mount.ts";
import { addModel } from "./commands/model.ts";
import { addProfile } from "./commands/profile.ts";
import { addPut } from "./commands/put.ts";
import { addBill } from "./commands/bill.ts";
import { addQuota } from "./commands/quota.ts";
import { addUsage } from "./commands/usage.ts";
import { addRelation } from "./commands/relation.ts";
import { addResidency } from "./commands/residency.ts";
import { addRm } from "./commands/rm.ts";
import { addSearch } from "./commands/search.ts";
import { addServe } from "./commands/serve.ts";
import { addShare } from "./commands/share.ts";
import { addStat } from "./commands/stat.ts";
import { addSync } from "./commands/sync.ts";
import { addTenant } from "./commands/tenant.ts";
import { addTree } from "./commands/tree.ts";
import { addUser } from "./commands/user.ts";
import { addVerify } from "./commands/verify.ts";
import { addVersion } from "./commands/version.ts";
import { addWhoami } from "./commands/whoami.ts";
import { exits } from "./exit-codes.ts";
import type { Terminal } from "./terminal.ts";
import { version } from "./version.ts";

const createProgram = (io: Terminal, bind: (program: Command) => Bind): Command => {
  const program = new Command("bulkhead")
    .description("One file tree for many tenants.")
    .helpOption("--help", "show this and exit")
    .version(version, "--version", "show the version and exit")
    .option("--url <url>", "the server (BULKHEAD_URL; http://127.0.0.1:2026)")
    .option("--key <key>", "the key (BULKHEAD_KEY)")
    .option("--profile <name>", "a stored server and key, as in alias:/path")
    .option("--workspace-prefix <path>", "narrow every request to this part of the workspace")
    .option("--as <subject>", "act for somebody, as user:alice; for admin keys")
    .option("--namespace <tenant>", "the tenant of --as, as tenant:acme")
    .option("--json", "answer in JSON: one document, or a line for each result")
    .option("-q, --quiet", "no progress and no notes on stderr")
    .showSuggestionAfterError()
    .configureOutput({
      writeOut: (text) => io.stdout.write(text),
      writeErr: (text) => io.stderr.write(text),
      outputError: (text, write) => write(`bulkhead: ${text.replace(/^error: /, "")}`),
      getOutHelpWidth: () => 100,
      getErrHelpWidth: () => 100,
      getOutHasColors: () => false,
      getErrHasColors: () => false,
    })
    .exitOverride();
  program.addHelpText(
    "after",
    `
Remote paths begin with '/', or with 'alias:/' for a stored profile.
Exit codes: 0 done, 1 other, 2 usage, 3 not found, 5 temporary, 10 denied, 11 conflict, 12 quota or rate.`,
  );
  const bound = bind(program);
  program.commandsGroup("Files:");
  addLs(program, bound);
  addTree(program, bound);
  addStat(program, bound);
  addCat(program, bound);
  addGet(program, bound);
  addPut(program, bound);
  addSync(program, bound);
  addImportTree(program, bound);
  addCopyAndMove(program, bound);
  addRm(program, bound);
  addMkdir(program, bound);
  addDu(program, bound);
  addSearch(program, bound);
  addVersion(program, bound);
  addChanges(program, bound);
  program.commandsGroup("Tenants and keys:");
  addTenant(program, bound);
  addQuota(program, bound);
  addUsage(program, bound);
  addBill(program, bound);
  addKey(program, bound);
  addMount(program, bound);
  addResidency(program, bound);
  addVerify(program, bound);
  addAudit(program, bound);
  addJob(program, bound);
  addWhoami(program, bound);
  program.commandsGroup("Who may what:");
  addGrant(program, bound);
  addExplain(program, bound);
  addShare(program, bound);
  addUser(program, bound);
  addGroup(program, bound);
  addRelation(program, bound);
  addModel(program, bound);
  program.commandsGroup("Here:");
  addProfile(program, bound);
  addServe(program, bound);
  addDoctor(program, bound);
  addBench(program, bound);
  addConfig(program, bound);
  addBackup(program, bound);
  addRestore(program, bound);
  addCompletion(program, bound);
  return program;
};

/**
 * Runs one command: `argv` is what follows `bulkhead`. Resolves with the exit code; never exits the process, and touches
 * nothing of it but what `io` holds and local files that the command names.
 */
export const run = async (argv: readonly string[], io: Terminal): Promise<number> => {
  let cli: Cli | undefined;
  const bind =
    (program: Command): Bind =>
    (act) =>
    (...args) => {
      cli = createCli(io, program.opts<GlobalFlags>());
      return act(cli, ...args);
    };
  try {
    await createProgram(io, bind).parseAsync([...argv], { from: "user" });
    await cli?.out.flush();
    return cli?.exitCode() ?? exits.ok;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? exits.ok : exits.usage;
    cli ??= createCli(io, {});
    if (io.signal?.aborted === true) {
      io.stderr.write("bulkhead: interrupted\n");
      return exits.interrupted;
    }
    await cli.out.flush().catch(() => undefined);
    cli.report(error);
    return cli.exitCode();
  }
};
