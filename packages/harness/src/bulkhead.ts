import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

export interface BulkheadOptions {
  /** Added to this process's environment; `undefined` takes a variable away. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly cwd?: string;
}

export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export interface RunningBulkhead extends AsyncDisposable {
  readonly pid: number;
  /** The lines so far; the arrays grow. */
  readonly stdout: readonly string[];
  readonly stderr: readonly string[];
  /** Resolves with the address in `listening on http://…`; rejects with what it wrote, if it ends or is silent for that long (ms, default 30,000). */
  url(timeout?: number): Promise<string>;
  /** Resolves when it has ended and all its output is here. */
  readonly exited: Promise<Exit>;
  /** Sends SIGTERM, after 20 s SIGKILL, and waits. */
  stop(): Promise<Exit>;
  /** Sends that signal (default SIGKILL) and waits for the end. */
  kill(signal?: NodeJS.Signals): Promise<Exit>;
}

const main = fileURLToPath(new URL("../../cli/src/main.ts", import.meta.url));
const running = new Set<ChildProcess>();
let hooked = false;

/** Runs the real command line from its sources in a process of its own. It does not outlive this one. */
export function bulkhead(args: readonly string[], options: BulkheadOptions = {}): RunningBulkhead {
  return runSource(main, args, options);
}

/** Runs a TypeScript file in a process of its own, as `bulkhead` does. */
export function runSource(
  file: string,
  args: readonly string[],
  options: BulkheadOptions = {},
): RunningBulkhead {
  const child = spawn(process.execPath, ["--conditions=bulkhead-source", file, ...args], {
    env: environment(options.env),
    stdio: ["ignore", "pipe", "pipe"],
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
  });
  if (child.pid === undefined) throw new Error(`${file} could not be started.`);
  endWithUs(child);

  const stdout: string[] = [];
  const stderr: string[] = [];
  createInterface({ input: child.stdout }).on("line", (line) => stdout.push(line));
  createInterface({ input: child.stderr }).on("line", (line) => stderr.push(line));
  // `close` and not `exit`: by then the output is complete.
  const exited = once(child, "close").then((): Exit => {
    running.delete(child);
    return { code: child.exitCode, signal: child.signalCode };
  });

  const stop = async (): Promise<Exit> => {
    child.kill("SIGTERM");
    const timer = setTimeout(() => child.kill("SIGKILL"), 20_000);
    const exit = await exited;
    clearTimeout(timer);
    return exit;
  };
  const kill = (signal: NodeJS.Signals = "SIGKILL"): Promise<Exit> => {
    child.kill(signal);
    return exited;
  };
  const url = (timeout = 30_000): Promise<string> => listening(child, { stdout, stderr }, timeout);
  const dispose = async (): Promise<void> => void (await stop());
  return {
    pid: child.pid,
    stdout,
    stderr,
    url,
    exited,
    stop,
    kill,
    [Symbol.asyncDispose]: dispose,
  };
}

async function listening(
  child: ChildProcess,
  output: { readonly stdout: readonly string[]; readonly stderr: readonly string[] },
  timeout: number,
): Promise<string> {
  const deadline = performance.now() + timeout;
  for (;;) {
    for (const line of [...output.stdout, ...output.stderr]) {
      const found = /listening on (https?:\/\/[^\s"]+)/.exec(line)?.[1];
      if (found !== undefined) return found;
    }
    const ended = child.exitCode !== null || child.signalCode !== null;
    if (ended || performance.now() >= deadline) {
      const said = [...output.stdout, ...output.stderr].join("\n");
      throw new Error(`The server ${ended ? "ended" : "is not listening"}:\n${said}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

function environment(changes: BulkheadOptions["env"] = {}): NodeJS.ProcessEnv {
  const env: NodeJS.ProcessEnv = { ...process.env };
  for (const [name, value] of Object.entries(changes)) {
    if (value === undefined) delete env[name];
    else env[name] = value;
  }
  return env;
}

function endWithUs(child: ChildProcess): void {
  running.add(child);
  if (hooked) return;
  hooked = true;
  process.once("exit", () => {
    for (const left of running) left.kill("SIGKILL");
  });
}
