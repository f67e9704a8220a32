import { isTest, type Source } from "./source.ts";

/** The most lines a source file may have; about a third of it is usual. */
const maxLines = 300;

/** Finds files that have grown too long. Tests are counted apart from what they test, so they may be longer. */
export const checkLength = (source: Source): readonly string[] => {
  const lines = source.text.split("\n").length - 1;
  return lines > maxLines && !isTest(source.path)
    ? [`${source.path}: ${lines} lines; at most ${maxLines}`]
    : [];
};
