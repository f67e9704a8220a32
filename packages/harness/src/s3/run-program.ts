import { spawn } from "node:child_process";
import { access, constants } from "node:fs/promises";
import { delimiter, join } from "node:path";

export interface RunOptions {
  /** Added to this process's environment. */
  readonly env?: Readonly<Record<string, string>>;
  /** In ms; then it is killed, and the run has failed. */
  readonly timeout: number;
}

/** Runs a program to its end and answers what it wrote. Rejects with the end of that if it cannot be started or fails. */
export function runProgram(
  file: string,
  args: readonly string[],
  { env = {}, timeout }: RunOptions,
): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const child = spawn(file, args, {
    env: { ...process.env, ...env },
    stdio: ["ignore", "pipe", "pipe"],
    timeout,
    killSignal: "SIGKILL",
  });
  const said: Buffer[] = [];
  child.stdout.on("data", (chunk: Buffer) => said.push(chunk));
  child.stderr.on("data", (chunk: Buffer) => said.push(chunk));
  child.once("error", reject);
  child.once("close", (code) => {
    const text = Buffer.concat(said).toString("utf8");
    if (code === 0) resolve(text);
    else reject(new Error(`${file} ${args.join(" ")} failed:\n${text.slice(-2000)}`));
  });
  return promise;
}

/** The program of that name on PATH; undefined if there is none. */
export async function onPath(name: string): Promise<string | undefined> {
  for (const folder of (process.env["PATH"] ?? "").split(delimiter)) {
    if (folder === "") continue;
    const file = join(folder, name);
    try {
      await access(file, constants.X_OK);
      return file;
    } catch {
      // In another folder, then.
    }
  }
  return undefined;
}
