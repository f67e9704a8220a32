import { FileError } from "@bulkhead/contract";
import { RE2JS } from "re2js";

/** Bounds of a pattern: its length in UTF-16 units, and what its braces expand to. */
export const globLimits = { length: 1024, alternatives: 256, tokens: 4096 } as const;

/** One segment of a pattern: `**`, a name, or a test of names. */
export type GlobSegment =
  | { readonly kind: "any-depth" }
  | { readonly kind: "name"; readonly name: string }
  | { readonly kind: "test"; readonly test: (name: string) => boolean };

// Translated here rather than by a glob library: those compile to JavaScript's backtracking expressions, with
// lookaheads that no linear-time engine takes and numeric ranges that expand without bound, and `\` is no separator here.
interface Token {
  readonly source: string;
  /** What a token that stands for itself stands for. */
  readonly literal?: string;
}
const star: Token = { source: ".*" };
const slash: Token = { source: "/", literal: "/" };

const bad = (detail: string): FileError =>
  new FileError("invalid-request", `This pattern is not valid: ${detail}`);

const point = (char: string): string => `\\x{${(char.codePointAt(0) ?? 0).toString(16)}}`;
const literal = (char: string): Token => ({ source: point(char), literal: char });

/** Parses a pattern relative to its base into the alternatives that its braces spell. Throws `invalid-request`. */
export const parseGlob = (pattern: string): readonly (readonly GlobSegment[])[] => {
  if (pattern.length > globLimits.length)
    throw bad(`it has more than ${globLimits.length} characters.`);
  if (!pattern.isWellFormed()) throw bad("it is not well-formed Unicode.");
  const chars = Array.from(pattern);
  const { alternatives, end } = parseSequence(chars, 0, false);
  if (end !== chars.length) throw bad("it has a brace too many.");
  const tests = new Map<string, GlobSegment>();
  return alternatives.map((tokens) => segmentsOfTokens(tokens, tests));
};

interface Parsed {
  readonly alternatives: readonly (readonly Token[])[];
  readonly end: number;
}

const parseSequence = (chars: readonly string[], start: number, inBraces: boolean): Parsed => {
  let alternatives: Token[][] = [[]];
  let at = start;
  while (at < chars.length) {
    const char = chars[at] ?? "";
    if (inBraces && (char === "," || char === "}")) break;
    if (char === "{") {
      const braces = parseBraces(chars, at + 1);
      alternatives = product(alternatives, braces.alternatives);
      at = braces.end;
      continue;
    }
    const { token, end } = parseToken(chars, at);
    for (const tokens of alternatives) tokens.push(token);
    at = end;
  }
  return { alternatives, end: at };
};

const parseBraces = (chars: readonly string[], start: number): Parsed => {
  const alternatives: (readonly Token[])[] = [];
  let at = start;
  for (;;) {
    const option = parseSequence(chars, at, true);
    alternatives.push(...option.alternatives);
    at = option.end + 1;
    if (chars[option.end] === "}") return { alternatives, end: at };
    if (chars[option.end] !== ",") throw bad("'{' is not closed; write '\\{' for the character.");
  }
};

const product = (
  left: readonly (readonly Token[])[],
  right: readonly (readonly Token[])[],
): Token[][] => {
  const tokens =
    left.reduce((sum, l) => sum + l.length, 0) * right.length +
    right.reduce((sum, r) => sum + r.length, 0) * left.length;
  if (left.length * right.length > globLimits.alternatives || tokens > globLimits.tokens)
    throw bad(`its braces expand to more than ${globLimits.alternatives} alternatives.`);
  return left.flatMap((l) => right.map((r) => [...l, ...r]));
};

const parseToken = (
  chars: readonly string[],
  at: number,
): { readonly token: Token; readonly end: number } => {
  const char = chars[at] ?? "";
  if (char === "*") return { token: star, end: at + 1 };
  if (char === "?") return { token: { source: "." }, end: at + 1 };
  if (char === "/") return { token: slash, end: at + 1 };
  if (char === "[") return parseClass(chars, at + 1);
  if (char !== "\\") return { token: literal(char), end: at + 1 };
  const escaped = chars[at + 1];
  if (escaped === undefined || escaped === "/")
    throw bad("'\\' stands before the character it makes literal.");
  return { token: literal(escaped), end: at + 2 };
};

const parseClass = (
  chars: readonly string[],
  start: number,
): { readonly token: Token; readonly end: number } => {
  const negated = chars[start] === "!" || chars[start] === "^";
  let at = negated ? start + 1 : start;
  const first = at;
  const next = (): string => {
    if (chars[at] === "\\") at += 1;
    const char = chars[at];
    if (char === undefined) throw bad("'[' is not closed; write '\\[' for the character.");
    at += 1;
    return char;
  };
  let source = "";
  // A bracket that comes first is a member, as in POSIX.
  while (chars[at] !== "]" || at === first) {
    const low = next();
    if (chars[at] !== "-" || chars[at + 1] === "]" || chars[at + 1] === undefined) {
      source += point(low);
      continue;
    }
    at += 1;
    const high = next();
    if ((high.codePointAt(0) ?? 0) < (low.codePointAt(0) ?? 0))
      throw bad("a range in brackets runs backwards.");
    source += `${point(low)}-${point(high)}`;
  }
  return { token: { source: `[${negated ? "^" : ""}${source}]` }, end: at + 1 };
};

const segmentsOfTokens = (
  tokens: readonly Token[],
  tests: Map<string, GlobSegment>,
): readonly GlobSegment[] => {
  const split: Token[][] = [[]];
  for (const token of tokens) {
    if (token === slash) split.push([]);
    else split.at(-1)?.push(token);
  }
  const segments: GlobSegment[] = [];
  for (const segment of split) {
    const parsed = parseSegment(segment, tests);
    // `**/**` is `**`.
    if (parsed.kind !== "any-depth" || segments.at(-1)?.kind !== "any-depth") segments.push(parsed);
  }
  return segments;
};

const parseSegment = (tokens: readonly Token[], tests: Map<string, GlobSegment>): GlobSegment => {
  if (tokens.length === 0) throw bad("it has an empty segment, or begins or ends with '/'.");
  if (tokens.length === 2 && tokens.every((token) => token === star)) return { kind: "any-depth" };
  if (tokens.every((token) => token.literal !== undefined)) {
    const name = tokens.map((token) => token.literal).join("");
    if (name === "." || name === "..") throw bad("it has a '.' or '..' segment.");
    return { kind: "name", name };
  }
  // A run of stars is one star: each more would multiply the states of the automaton.
  const source = tokens
    .filter((token, i) => token !== star || tokens[i - 1] !== star)
    .map((token) => token.source)
    .join("");
  const known = tests.get(source);
  if (known !== undefined) return known;
  const made: GlobSegment = { kind: "test", test: tester(source) };
  tests.set(source, made);
  return made;
};

const tester = (source: string): ((name: string) => boolean) => {
  if (source === star.source) return () => true;
  const expression = RE2JS.compile(source);
  return (name) => expression.testExact(name);
};
