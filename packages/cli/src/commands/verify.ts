import { randomInt } from "node:crypto";
import { Command } from "commander";
import type { Bind, Cli } from "../cli.ts";
import { endpointOf } from "../connection.ts";
import { exits } from "../exit-codes.ts";
import { about } from "../failure.ts";
import { wholeNumber } from "../values.ts";
import { verifyDurability } from "../verify/durability.ts";
import { verifyIsolation } from "../verify/isolation.ts";
import { verifyQuota } from "../verify/quota.ts";
import type { Verified, VerifyOptions } from "../verify/trials.ts";

interface Flags {
  readonly runs: number;
  readonly seed?: string;
  readonly record?: string;
  readonly resume?: string;
}

const optionsOf = async (cli: Cli, { runs, seed }: Flags): Promise<VerifyOptions> => ({
  remote: await cli.remote(),
  fetch: cli.io.fetch ?? globalThis.fetch,
  signal: cli.signal,
  runs,
  seed: seed ?? String(randomInt(1_000_000_000)),
  note: cli.out.note,
});

/** The key of `cli.remote`, which would not have come without one. */
const keyOf = async (cli: Cli): Promise<string> => (await endpointOf(cli.flags, cli.io)).key ?? "";

const show = async (cli: Cli, verified: Verified): Promise<void> => {
  const { property, seed, runs, counts, findings } = verified;
  if (findings.length > 0) cli.end(exits.other);
  if (cli.out.json) return cli.out.document(verified);
  for (const { run, seed: own, what } of findings)
    await cli.out.line(`FOUND in run ${run} (seed ${own}): ${what}`);
  const told = Object.entries(counts).map(([name, count]) => `${count} ${name}`);
  await cli.out.line(
    `${property}: ${findings.length === 0 ? "nothing found" : `${findings.length} findings`} in ${runs} runs, seed ${seed}: ${told.join(", ")}`,
  );
};

/** `verify`: whether a server keeps what it promises, tried on tenants that are made for it and removed afterwards. */
export const addVerify = (program: Command, bind: Bind): void => {
  const verify = program
    .command("verify")
    .description(
      "try whether a server keeps its promises, on tenants made for it and removed after",
    );
  const property = (
    name: Verified["property"],
    description: string,
    run: (cli: Cli, options: VerifyOptions, flags: Flags) => Promise<Verified>,
  ): Command =>
    verify
      .command(name)
      .description(`${description}; exit code 1 for a finding`)
      .option("--runs <n>", "how often", wholeNumber, 10)
      .option("--seed <seed>", "try the same again; by chance without")
      .action(
        bind(async (cli, flags: Flags) => {
          const options = await optionsOf(cli, flags);
          cli.out.note(`seed ${options.seed}`);
          await about(name, async () => show(cli, await run(cli, options, flags)));
        }),
      );
  property(
    "isolation",
    "what a tenant is answered is the same, whatever another one does",
    async (cli, options) => verifyIsolation({ ...options, platformKey: await keyOf(cli) }),
  );
  property(
    "durability",
    "what was acknowledged is there, whole",
    async (cli, options, { record, resume }) =>
      verifyDurability({ ...options, platformKey: await keyOf(cli), record, resume }),
  )
    .option("--record <file>", "write down what was acknowledged, and let the tenant stay")
    .option("--resume <file>", "read back what an earlier run wrote down, then remove its tenant");
  property(
    "quota",
    "no more is stored than a limit says, and counters are exact",
    (_cli, options) => verifyQuota(options),
  );
};
