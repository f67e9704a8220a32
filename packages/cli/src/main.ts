#!/usr/bin/env node
// Nothing is imported before the version is known: an older Node would stop at a syntax it does not have, and say less.
const [major = 0, minor = 0] = process.version.slice(1).split(".").map(Number);
if (major < 22 || (major === 22 && minor < 12)) {
  console.error(
    `bulkhead needs Node.js 22.12 or later, and this is ${process.version} (${process.execPath}).`,
  );
  process.exit(1);
}

const { cacheCompiled } = await import("./cache-compiled.ts");
cacheCompiled();

const { run } = await import("./run.ts");
const { exits } = await import("./exit-codes.ts");

// Whoever read the output has seen enough: `bulkhead ls / | head`.
const quietly = (error: Error & { readonly code?: string }): void => {
  if (error.code !== "EPIPE") throw error;
  process.exit(exits.ok);
};
process.stdout.on("error", quietly);
process.stderr.on("error", quietly);

const interruption = new AbortController();
const interrupt = (): void => {
  if (interruption.signal.aborted) process.exit(exits.interrupted);
  interruption.abort();
};
process.on("SIGINT", interrupt);
process.on("SIGTERM", interrupt);

const code = await run(process.argv.slice(2), {
  stdin: process.stdin,
  stdout: process.stdout,
  stderr: process.stderr,
  isTTY: {
    stdin: process.stdin.isTTY === true,
    stdout: process.stdout.isTTY === true,
    stderr: process.stderr.isTTY === true,
  },
  env: process.env,
  cwd: process.cwd(),
  signal: interruption.signal,
});

// Pipes are written behind our back: what is still on its way goes out first. The exit is explicit because a pipe on
// stdin that nobody read would keep the process alive.
await new Promise<void>((done) => process.stdout.write("", () => done()));
await new Promise<void>((done) => process.stderr.write("", () => done()));
process.exit(code);

export {};
