import { createInterface } from "node:readline/promises";
import { UsageError } from "./failure.ts";
import type { Terminal } from "./terminal.ts";

/**
 * Asks on stderr and returns the line. Without a terminal there is nobody to ask: throws a `UsageError` that names the
 * flag which answers the question beforehand.
 */
export const ask = async (io: Terminal, question: string, flag: string): Promise<string> => {
  if (!io.isTTY.stdin || !io.isTTY.stderr)
    throw new UsageError(`this asks for confirmation and there is no terminal; pass ${flag}`);
  const lines = createInterface({ input: io.stdin, output: io.stderr });
  try {
    const closed = new Promise<string>((resolve) => lines.once("close", () => resolve("")));
    const answer = lines.question(question, io.signal === undefined ? {} : { signal: io.signal });
    return (await Promise.race([answer, closed])).trim();
  } finally {
    lines.close();
  }
};

/** Asks a question that `y` and `yes` affirm. */
export const confirm = async (io: Terminal, question: string, flag: string): Promise<boolean> =>
  /^y(?:es)?$/i.test(await ask(io, `${question} [y/N] `, flag));
