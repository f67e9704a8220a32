import { styleText } from "node:util";
import { printable } from "./printable.ts";
import type { Terminal } from "./terminal.ts";
import { writeAll } from "./write-all.ts";

/** How a run speaks: data on stdout, everything else on stderr. */
export interface Output {
  readonly json: boolean;
  readonly line: (text: string) => Promise<void>;
  /** One document. */
  readonly document: (value: unknown) => Promise<void>;
  /** One of many: JSON lines. */
  readonly record: (value: unknown) => Promise<void>;
  readonly bytes: (chunk: Uint8Array) => Promise<void>;
  /** Tells people something; silent with `--quiet`. */
  readonly note: (text: string) => void;
  readonly flush: () => Promise<void>;
  /** What a name looks like: in a terminal without what would steer it, in a pipe as it is. */
  readonly shown: (name: string) => string;
  /** Paints the name of a directory, where colours are wanted. */
  readonly directory: (name: string) => string;
  /** Paints what is to be seen at a glance, where colours are wanted. */
  readonly painted: (text: string, colour: "green" | "yellow" | "red" | "dim") => string;
}

const batch = 16_384;

export const createOutput = (
  io: Terminal,
  { json, quiet }: { readonly json: boolean; readonly quiet: boolean },
): Output => {
  const coloured = io.isTTY.stdout && (io.env["NO_COLOR"] ?? "") === "";
  let pending = "";
  const flush = async (): Promise<void> => {
    const text = pending;
    pending = "";
    if (text !== "") await writeAll(io.stdout, text, io.signal);
  };
  const line = async (text: string): Promise<void> => {
    pending += `${text}\n`;
    if (pending.length >= batch || io.isTTY.stdout) await flush();
  };
  return {
    json,
    line,
    document: (value) => line(JSON.stringify(value, null, 2)),
    record: (value) => line(JSON.stringify(value)),
    bytes: async (chunk) => {
      await flush();
      await writeAll(io.stdout, chunk, io.signal);
    },
    note: (text) => {
      if (!quiet) io.stderr.write(`${printable(text)}\n`);
    },
    flush,
    shown: (name) => (io.isTTY.stdout ? printable(name, "\t") : name),
    painted: (text, colour) =>
      coloured ? styleText(colour, text, { validateStream: false }) : text,
    directory: (name) => (coloured ? styleText("blue", name, { validateStream: false }) : name),
  };
};
