import type { Finding } from "@bulkhead/contract";
import type { Command } from "commander";
import { access } from "node:fs/promises";
import { resolve } from "node:path";
import type { Bind, Cli } from "../cli.ts";
import { endpointOf } from "../connection.ts";
import { askServer } from "../doctor/ask-server.ts";
import { exits } from "../exit-codes.ts";
import { type PlaceFlags, placeOf, withPlace } from "../server-place.ts";

const colours = {
  ok: "green",
  warning: "yellow",
  failed: "red",
  skipped: "dim",
} as const satisfies Record<Finding["state"], string>;

const indent = " ".repeat(24);

const show = async (cli: Cli, { check, state, detail, next }: Finding): Promise<void> => {
  if (cli.out.json) return;
  const [first = "", ...rest] = cli.out.shown(detail).split("\n");
  await cli.out.line(
    `${cli.out.painted(state.padEnd(8), colours[state])}  ${check.padEnd(13)} ${first}`,
  );
  for (const line of rest) await cli.out.line(`${indent}${cli.out.shown(line)}`);
  if (next !== undefined) await cli.out.line(`${indent}→ ${cli.out.shown(next)}`);
};

/** True if a server of this machine is meant, too: one is named, or its folder lies here. */
const isHere = async (cli: Cli, flags: PlaceFlags): Promise<boolean> => {
  const { dataDir, databaseUrl, config } = placeOf(cli, flags);
  if (dataDir !== undefined || databaseUrl !== undefined || config !== undefined) return true;
  return access(resolve(cli.io.cwd, "data", "platform-key")).then(
    () => true,
    () => false,
  );
};

const doctor = async (cli: Cli, flags: PlaceFlags): Promise<void> => {
  const findings: Finding[] = [];
  const take = async (finding: Finding): Promise<void> => {
    findings.push(finding);
    await show(cli, finding);
  };
  for await (const finding of askServer(await endpointOf(cli.flags, cli.io), cli.io))
    await take(finding);
  if (await isHere(cli, flags)) {
    const { examineServer } = await import("@bulkhead/server");
    const place = placeOf(cli, flags);
    const answers = findings[0]?.state !== "failed";
    const options = { ...place, dataDir: place.dataDir ?? defaultFolder(cli, place.config) };
    for await (const finding of examineServer({ ...options, answers, signal: cli.signal }))
      await take(finding);
  } else
    await take({
      check: "this machine",
      state: "skipped",
      detail: "No server of this machine was named.",
      next: "To look at its disks, database and storages: --data-dir, --database-url, --config.",
    });
  const failed = findings.filter(({ state }) => state === "failed").length;
  const warnings = findings.filter(({ state }) => state === "warning").length;
  if (cli.out.json) await cli.out.document({ healthy: failed === 0, findings });
  cli.out.note(
    failed + warnings === 0
      ? "Nothing is wrong as far as can be seen from here."
      : `${failed} failed, ${warnings} to look at.`,
  );
  if (failed > 0) cli.end(exits.other);
};

/** Without a configuration the server's own default; a configuration says it itself. */
const defaultFolder = (cli: Cli, config: string | undefined): string | undefined =>
  config === undefined ? resolve(cli.io.cwd, "data") : undefined;

/** `doctor`: looks for the cause where something does not work, and says what to do. */
export const addDoctor = (program: Command, bind: Bind): void => {
  withPlace(
    program
      .command("doctor")
      .description("find out why something does not work; exits with 1 where a cause was found"),
  )
    .addHelpText(
      "after",
      `
Asks the server (--url, --key), and where its folder, database or configuration is named, or ./data is here, looks at
this machine: disks, who uses the folder, database, clocks, master key, regions, buckets, leftovers, hidden keys.`,
    )
    .action(bind(doctor));
};
