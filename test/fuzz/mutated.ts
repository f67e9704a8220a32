import * as fc from "fast-check";

/** What has meaning to some parser, or to those below it. */
const tokens: readonly string[] = [
  "\0",
  "\r\n",
  "\n",
  "\t",
  " ",
  "%",
  "%00",
  "%2f",
  "%2e%2e",
  "%c0%af",
  "%ff",
  "/",
  "//",
  "\\",
  ".",
  "..",
  "*",
  "**",
  "?",
  "[",
  "]",
  "{",
  "}",
  "(",
  ")",
  ",",
  ";",
  ":",
  "=",
  '"',
  "'",
  "#",
  "@",
  "&",
  "-",
  "+",
  "$",
  "|",
  "^",
  "~",
  "<",
  "0",
  "-1",
  "1e999",
  "9007199254740993",
  "99999999999999999999",
  "null",
  "true",
  "NaN",
  "__proto__",
  "constructor",
  "toString",
  "W/",
  "bytes=",
  "sha-256=:",
  "[::1]",
  "\u00e9",
  "e\u0301",
  "\ud800",
  "\udfff",
  "\u{1f4a9}",
  "\u{10ffff}",
  "\ufeff",
  "\u202e",
  "\u0085",
  "\u007f",
];

const longest = 6000;

/** One change of a text: which kind, where and with what all come out of one number. */
const change = (text: string, n: number, seeds: readonly string[]): string => {
  const at = (n >>> 4) % (text.length + 1);
  const size = 1 + ((n >>> 14) & 7);
  const token = tokens[(n >>> 17) % tokens.length] ?? "";
  const [before, after] = [text.slice(0, at), text.slice(at)];
  switch (n & 15) {
    case 0:
      return before + after.slice(size);
    case 1:
      return before + after.slice(0, size * 4) + after;
    case 2:
    case 3:
    case 4:
      return before + token + after;
    case 5:
    case 6:
      return before + token + after.slice(token.length);
    case 7:
      return before + token.repeat(1 + ((n >>> 23) & 63)) + after;
    case 8:
      return before + token.repeat((n >>> 20) & 2047) + after;
    case 9:
      return before;
    case 10:
      return after;
    case 11:
      return before + (seeds[(n >>> 17) % seeds.length] ?? "").slice(at % 16);
    case 12:
      return before + String.fromCharCode((n >>> 12) & 0xff) + after.slice(1);
    case 13:
      return before + String.fromCharCode((n >>> 12) & 0xffff) + after.slice(1);
    case 14:
      return before + after.slice(0, size).toUpperCase() + after.slice(size);
    default:
      return before + after.slice(0, 8).split("").toReversed().join("") + after.slice(8);
  }
};

/** A text near one of the seeds, and which it was near. */
export interface Mutated {
  readonly seed: number;
  readonly text: string;
}

/** Texts that are almost right: a seed with a few changes. Small changes come first when a failure is made smaller. */
export const mutated = (seeds: readonly string[]): fc.Arbitrary<Mutated> =>
  fc
    .tuple(
      fc.nat({ max: seeds.length - 1 }),
      fc.array(fc.nat({ max: 0x7fff_ffff }), { maxLength: 6 }),
    )
    .map(([seed, changes]) => {
      const text = changes.reduce(
        (changed, n) => change(changed, n, seeds).slice(0, longest),
        seeds[seed] ?? "",
      );
      return { seed, text };
    });
