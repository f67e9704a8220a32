/** A fenced block of a page. */
export interface Block {
  readonly language: string;
  readonly text: string;
  /** Of the opening fence, from 1. */
  readonly line: number;
}

/** Finds the fenced blocks of a page, in order. Throws for a fence that is never closed. */
export const blocksOf = (markdown: string): readonly Block[] => {
  const blocks: Block[] = [];
  let open:
    | { readonly language: string; readonly line: number; readonly lines: string[] }
    | undefined;
  for (const [index, line] of markdown.split("\n").entries()) {
    const fence = /^```(\S*)$/.exec(line);
    if (open === undefined) {
      if (fence !== null) open = { language: fence[1] ?? "", line: index + 1, lines: [] };
    } else if (fence === null) open.lines.push(line);
    else {
      blocks.push({ language: open.language, text: `${open.lines.join("\n")}\n`, line: open.line });
      open = undefined;
    }
  }
  if (open !== undefined) throw new Error(`The block of line ${open.line} is never closed.`);
  return blocks;
};

/** True where `output` is what a page prints: line by line, `…` standing for anything within a line. */
export const isPrinted = (expected: string, output: string): boolean => {
  const wanted = expected.trimEnd().split("\n");
  const lines = output.trimEnd().split("\n");
  return (
    wanted.length === lines.length &&
    wanted.every((line, i) => {
      const parts = line
        .trimEnd()
        .split("…")
        .map((part) => part.replaceAll(/[.*+?^${}()|[\]\\]/g, "\\$&"));
      return new RegExp(`^${parts.join(".*")}$`, "u").test((lines[i] ?? "").trimEnd());
    })
  );
};
