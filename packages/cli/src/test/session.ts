import { PassThrough, Readable } from "node:stream";
import { run } from "../index.ts";

/** What a run left behind. */
export interface Outcome {
  readonly code: number;
  readonly stdout: Buffer;
  readonly out: string;
  readonly err: string;
}

export interface RunOptions {
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly stdin?: string | Uint8Array | Readable;
  readonly tty?: boolean;
  readonly cwd?: string;
  readonly signal?: AbortSignal;
  readonly fetch?: typeof fetch;
}

const gathering = (): { stream: PassThrough; all: () => Buffer } => {
  const stream = new PassThrough();
  const chunks: Buffer[] = [];
  stream.on("data", (chunk: Buffer) => chunks.push(chunk));
  return { stream, all: () => Buffer.concat(chunks) };
};

/** Runs the command in this process, with nothing of the process around it. */
export const runCli = async (
  argv: readonly string[],
  options: RunOptions = {},
): Promise<Outcome> => {
  const { stdin = "", tty = false, cwd = process.cwd(), env = {}, signal, fetch } = options;
  const out = gathering();
  const err = gathering();
  if (tty)
    for (const { stream } of [out, err]) Object.assign(stream, { isTTY: true, columns: 120 });
  const code = await run(argv, {
    stdin: stdin instanceof Readable ? stdin : Readable.from([Buffer.from(stdin)]),
    stdout: out.stream,
    stderr: err.stream,
    isTTY: { stdin: tty, stdout: tty, stderr: tty },
    env: { HOME: "/nonexistent", ...env },
    cwd,
    ...(signal !== undefined && { signal }),
    ...(fetch !== undefined && { fetch }),
  });
  await new Promise((resolve) => setImmediate(resolve));
  return { code, stdout: out.all(), out: out.all().toString(), err: err.all().toString() };
};
