import { spawn } from "node:child_process";
import { open, readFile, rename, stat } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { FileError } from "@bulkhead/contract";
import type { Command } from "./account.ts";
import { serverEnvironment } from "./environment.ts";
import { type Postmaster, endOrphans, readPostmasterFile, stopPostmaster } from "./postmaster.ts";
import { processStart } from "./process-start.ts";

export interface Place {
  readonly dataDir: string;
  readonly cluster: string;
  readonly signal?: AbortSignal | undefined;
}

/** The log is set aside as `postgres.log.1` at the next start once it is this long, in bytes. */
const longLog = 16 * 1024 * 1024;

/** How long the processes that a killed postmaster left may take to end, in ms. */
const orphans = 20_000;

/**
 * Starts a postmaster, detached, and resolves when it accepts connections. Recovery may take as
 * long as it takes; a postmaster that ends instead is `unavailable`, with what it said last.
 */
export async function launch(command: Command, place: Place): Promise<Postmaster> {
  const deadline = performance.now() + orphans;
  for (;;) {
    const outcome = await attempt(command, place);
    if ("pid" in outcome) return outcome;
    // The lock file's process is no running one, or it had been stopped before: a killed postmaster's pid stays taken
    // until its parent has collected it.
    const waits =
      /pre-existing shared memory block|lock file "postmaster\.pid" already exists/.test(
        outcome.said,
      ) && performance.now() < deadline;
    if (!waits) {
      throw new FileError(
        "unavailable",
        `PostgreSQL did not start: ${outcome.said || "it said nothing"} (${join(place.dataDir, "postgres.log")})`,
        { retry: "never" },
      );
    }
    await endOrphans(place.cluster);
    await sleep(50);
  }
}

async function attempt(command: Command, place: Place): Promise<Postmaster | { said: string }> {
  const file = join(place.dataDir, "postgres.log");
  if (((await stat(file).catch(() => undefined))?.size ?? 0) > longLog)
    await rename(file, `${file}.1`);
  const log = await open(file, "a", 0o600);
  try {
    const from = (await log.stat()).size;
    place.signal?.throwIfAborted();
    const child = spawn(command.file, command.args, {
      cwd: "/",
      detached: true,
      env: serverEnvironment(),
      stdio: ["ignore", log.fd, log.fd],
      ...command.identity,
    });
    let ended: Error | true | undefined;
    child.once("error", (error) => (ended = error));
    child.once("exit", () => (ended = true));
    child.unref();
    const { pid } = child;
    const start = pid === undefined ? undefined : await processStart(pid);
    while (pid !== undefined && start !== undefined && ended === undefined) {
      if (place.signal?.aborted === true) {
        await stopPostmaster({ pid, mark: start.mark });
        place.signal.throwIfAborted();
      }
      const says = await readPostmasterFile(place.cluster);
      if (says?.pid === pid && says.ready) return { pid, mark: start.mark };
      await sleep(5);
    }
    if (ended === undefined) await new Promise((resolve) => setImmediate(resolve));
    if (ended instanceof Error) return { said: ended.message };
    return { said: lastWords((await readFile(file)).subarray(from).toString("utf8")) };
  } finally {
    await log.close();
  }
}

// The first complaint is the cause; what follows it are consequences and hints.
function lastWords(log: string): string {
  const lines = log.split("\n").filter((line) => line.trim() !== "");
  const first = lines.findIndex((line) =>
    /\b(?:FATAL|PANIC|ERROR)\b|error while|unshare:/.test(line),
  );
  return lines
    .slice(first === -1 ? -3 : first)
    .slice(0, 3)
    .map((line) => line.replace(/^[-\d]+ [\d:.]+ \w+ \[\d+\] /, "").trim())
    .join(" ");
}
