import { modelError } from "./model-error.ts";
import { modelLimits } from "./model-limits.ts";

interface SyntaxProblem {
  readonly line?: { readonly start: number } | undefined;
  readonly msg?: string;
}

/** The parser descends into what is nested, so nesting is bounded before it is asked. */
const checkNesting = (source: string): void => {
  let depth = 0;
  let line = 1;
  for (const character of source) {
    if (character === "\n") line += 1;
    else if ("([{".includes(character)) depth += 1;
    else if (")]}".includes(character)) depth -= 1;
    if (depth > 2 * modelLimits.depth)
      throw modelError(`nested more than ${2 * modelLimits.depth} deep`, line);
  }
};

/** What the language uses nowhere outside conditions. */
const unknown = /[^\p{L}\p{N}_\-./|@$\s:[\](),*#<>]/gu;

/** What it uses nowhere in a condition but in a text. */
const unknownInBody = /[^\p{L}\p{N}_\s.+\-*/%<>=!&|?:,()[\]#]/gu;

const texts = /"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'/gu;

/** So many may be a text of several lines, which is not recognised as one here. */
const mostUnknown = 100;

/** Counts, line by line, the characters that the parser would report one by one, which takes it long. */
const unknownCharacters = (): ((line: string) => number) => {
  let count = 0;
  let begun = false;
  let depth = 0;
  return (line) => {
    begun ||= line.trimStart().startsWith("condition ");
    const body = depth > 0 ? 0 : begun && line.includes("{") ? line.indexOf("{") : line.length;
    const written = `${line.slice(0, body).split(" #", 1)[0]}${line.slice(body).replaceAll(texts, "")}`;
    for (const piece of written.split(/([{}])/u)) {
      if (begun && piece === "{") depth += 1;
      else if (begun && piece === "}" && depth > 0) depth -= 1;
      else count += piece.match(depth > 0 ? unknownInBody : unknown)?.length ?? 0;
    }
    return begun ? Math.max(0, count - mostUnknown) : count;
  };
};

/**
 * Leaves out empty lines and comments, on which the parser spends a stack frame each, and refuses early what it would
 * report character by character. `lines` are the numbers of the lines that stay.
 */
const condense = (source: string): { readonly text: string; readonly lines: readonly number[] } => {
  const kept: string[] = [];
  const lines: number[] = [];
  const tooMany = unknownCharacters();
  for (const [index, line] of source.split(/\r?\n/u).entries()) {
    const trimmed = line.trim();
    if (trimmed === "" || trimmed.startsWith("#")) continue;
    if (tooMany(line) > 0)
      throw modelError("a character that the language does not know", index + 1);
    kept.push(line);
    lines.push(index + 1);
  }
  return { text: `${kept.join("\n")}\n`, lines };
};

/** Parses the DSL to the JSON of a model. Throws `invalid-request` that names the line. */
export const parseDsl = async (source: string): Promise<unknown> => {
  checkNesting(source);
  const { text, lines } = condense(source);
  // Loaded when a model is written, and by nobody else: the parser is large and slow to load.
  const { errors, transformer } = await import("@openfga/syntax-transformer");
  try {
    return transformer.transformDSLToJSONObject(text);
  } catch (error) {
    if (!(error instanceof errors.BaseMultiError)) throw error;
    const first: SyntaxProblem | undefined = error.errors[0];
    const at = first?.line?.start;
    throw modelError(
      first?.msg ?? "the model does not parse",
      at === undefined ? undefined : (lines[at] ?? lines.at(-1) ?? 1),
    );
  }
};

const lineAt = (source: string, position: number): number =>
  source.slice(0, position).split("\n").length;

/** Where V8 stopped: it tells the position, or else shows the text around it. */
const lineOfProblem = (source: string, message: string): number => {
  const position = /at position (\d+)/u.exec(message)?.[1];
  if (position !== undefined) return lineAt(source, Number(position));
  const [, before, around] = /^[^"]*?, (\.\.\.)?"(.*)"(?:\.\.\.)? is not/su.exec(message) ?? [];
  if (around === undefined) return lineAt(source, source.length);
  const shown = source.indexOf(around);
  return lineAt(source, shown + Math.min(before === undefined ? 0 : 10, around.length));
};

/** Parses the JSON of a model. Throws `invalid-request` that names the line. */
export const parseJson = (source: string): unknown => {
  try {
    return JSON.parse(source);
  } catch (error) {
    const message = error instanceof Error ? error.message : "";
    throw modelError("the model starts as JSON and is none", lineOfProblem(source, message));
  }
};
