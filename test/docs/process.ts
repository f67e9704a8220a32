import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";

/** The repository's top. */
export const top: string = fileURLToPath(new URL("../..", import.meta.url));

export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a command at the repository's top to its end. */
export const runCommand = async (
  command: string,
  parameters: readonly string[],
  env: Readonly<Record<string, string | undefined>> = {},
): Promise<Ended> => {
  const child = spawn(command, parameters, {
    cwd: top,
    env: { ...process.env, ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let [stdout, stderr] = ["", ""];
  child.stdout.setEncoding("utf8").on("data", (text: string) => (stdout += text));
  child.stderr.setEncoding("utf8").on("data", (text: string) => (stderr += text));
  await once(child, "close");
  return { code: child.exitCode, stdout, stderr };
};

export interface NpmStart extends AsyncDisposable {
  readonly url: string;
  /** What the server printed until it listened. */
  readonly stdout: string;
}

/** Starts the server the way the README says, and ends it the way a user does. */
export const npmStart = async (
  flags: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): Promise<NpmStart> => {
  const child = spawn("npm", ["start", "--", ...flags], {
    cwd: top,
    env: { ...process.env, ...env },
    stdio: ["ignore", "pipe", "pipe"],
    // A group of its own, so that nothing of it outlives a run that is killed.
    detached: true,
  });
  const { pid } = child;
  if (pid === undefined) throw new Error("npm could not be started.");
  const killAll = (): void => {
    try {
      process.kill(-pid, "SIGKILL");
    } catch {
      // It has ended.
    }
  };
  process.once("exit", killAll);
  const ended = once(child, "close");
  let [stdout, stderr] = ["", ""];
  child.stderr.setEncoding("utf8").on("data", (text: string) => (stderr += text));
  const url = await new Promise<string>((resolve, reject) => {
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      stdout += text;
      const found = /^listening on (\S+)$/m.exec(stdout)?.[1];
      if (found !== undefined) resolve(found);
    });
    child.once("close", () => reject(new Error(`npm start ended:\n${stdout}${stderr}`)));
  });
  return {
    url,
    stdout,
    [Symbol.asyncDispose]: async () => {
      child.kill("SIGTERM");
      const timer = setTimeout(killAll, 20_000);
      await ended;
      clearTimeout(timer);
      process.removeListener("exit", killAll);
    },
  };
};
