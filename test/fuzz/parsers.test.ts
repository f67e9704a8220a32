import { describe, it } from "vitest";
import { bodyParsers } from "./body-parsers.ts";
import { cases, fuzz } from "./fuzz.ts";
import { headerParsers } from "./header-parsers.ts";
import { targetParsers } from "./target-parsers.ts";

// 400 cases each; a million with BULKHEAD_FUZZ_CASES=1000000.
describe(`what a stranger sends, ${cases} cases each`, () => {
  it.each([...headerParsers, ...targetParsers, ...bodyParsers])("$name", fuzz, 60_000 + cases * 5);
});
