import { readFileSync } from "node:fs";
import { isFileError } from "@bulkhead/contract";
import { errors, transformer, validator } from "@openfga/syntax-transformer";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { fileModel, reservedTypes } from "./file-model.ts";
import { parseModel, validateModel } from "./parse-model.ts";

const head = "model\n  schema 1.1\ntype user\ntype doc\n  relations\n";
const define = (...lines: readonly string[]): string =>
  head + lines.map((line) => `    define ${line}\n`).join("");
const condition = (body: string, parameters = "x: int"): string =>
  `${define("a: [user with c]")}condition c(${parameters}) {\n  ${body}\n}\n`;

const refusal = async (source: string, parser = parseModel): Promise<string> => {
  try {
    await parser(source);
  } catch (error) {
    if (isFileError(error)) return `${error.code}: ${error.detail}`;
    throw error;
  }
  return "accepted";
};

const many = (count: number, line: (index: number) => string): string =>
  Array.from({ length: count }, (_, index) => line(index)).join("");

describe("a model that is refused", () => {
  it.each([
    ["nothing", "", /^invalid-request: line 1: /u],
    ["no schema", "type user\n", /line 1: /u],
    ["an old schema", "model\n  schema 1.0\ntype user\n", /schema_version must be 1\.1 or 1\.2/u],
    ["a syntax error", define("a: [user]", "b: a or"), /line 7: /u],
    ["one after comments and blanks", `# a\n\n${define("a: [user]", "b: a", "c a")}`, /line 10: /u],
    ["an unknown character", define("a: [user]", "b: a % b"), /line 7: a character/u],
    ["a backslash", define("a: [user]", "b: a \\"), /line 7: a character/u],
    // Each of them would take the parser as long as a whole model.
    [
      "unknown ones in a condition",
      condition(`x < 1 ${";".repeat(20_000)}`),
      /line 8: a character/u,
    ],
    ["unknown ones before it", condition("x < 1", "+".repeat(20_000)), /line 7: a character/u],
    ["texts before it", condition("x < 1", '"a"'.repeat(5000)), /line 7: a character/u],
    ["unknown ones after it", condition(`x < 1 }\n${"+".repeat(20_000)}`), /line 9: a character/u],
    ["texts that do not end", condition("'\n".repeat(9000)), /line 1\d\d: a character/u],
    ["mixed operators", define("a: [user]", "b: a or a and a"), /line 7: /u],
    ["an unknown type", define("a: [usr]"), /line 6: doc#a: usr is not a type/u],
    [
      "an unknown relation",
      define("a: [user]", "b: c"),
      /line 7: doc#b: c is not a relation of doc/u,
    ],
    ["an unknown userset", define("a: [user#b]"), /line 6: doc#a: b is not a relation of user/u],
    ["an unknown condition", define("a: [user with c]"), /line 6: doc#a: c is not a condition/u],
    [
      "an unused condition",
      `${define("a: [user]")}condition c(x: int) {\n x < 1\n}\n`,
      /line 7: .* not used/u,
    ],
    ["an unknown tupleset", define("a: a from b"), /line 6: doc#a: b is not a relation of doc/u],
    [
      "nothing behind a tupleset",
      define("p: [user]", "a: x from p"),
      /line 7: doc#a: x is not a relation of what p/u,
    ],
    ["a computed tupleset", define("o: [doc]", "p: o", "a: o from p"), /line 8: .*given directly/u],
    [
      "a wildcard tupleset",
      define("p: [doc, doc:*]", "a: p from p"),
      /line 7: .*may not allow doc:\*/u,
    ],
    [
      "a userset as tupleset",
      define("p: [doc, doc#p]", "a: p from p"),
      /line 7: .*may not allow doc#p/u,
    ],
    ["itself alone", define("a: [user]", "b: b"), /line 7: doc#b can never hold/u],
    [
      "a circle",
      define("a: [user]", "b: c and a", "c: b or d", "d: c"),
      /line 7: doc#b can never hold/u,
    ],
    ["a userset of itself", define("a: [doc#a]"), /line 6: doc#a can never hold/u],
    ["a relation twice", define("a: [user]", "a: [user]"), /line 7: /u],
    ["a type twice", `${define("a: [user]")}type doc\n`, /line 7: the type doc is defined twice/u],
    ["a reserved word", define("this: [user]"), /line 6: this is not a name/u],
    [
      "a condition that is no bool",
      condition("x + 1"),
      /line 7: the condition c .* it must be a bool/u,
    ],
    [
      "a condition with unknown names",
      condition("y < 1"),
      /line 7: the condition c .*Unknown variable: y/u,
    ],
    ["a condition of wrong types", condition('x < "a"'), /line 7: the condition c/u],
    [
      "loops in one another",
      condition("l.all(a, l.exists(b, a == b))", "l: list<int>"),
      /line 7: .*may not stand in one another/u,
    ],
    [
      "a large condition",
      condition(`x < 1${" || x < 2".repeat(300)}`),
      /line 7: .*more than 2048/u,
    ],
    [
      "deep parentheses",
      define(`a: ${"(".repeat(40)}[user]${")".repeat(40)}`),
      /line 6: nested more than 32/u,
    ],
    [
      "many types between brackets",
      define(`a: [${"user, ".repeat(50)}user]`),
      /line 6: doc#a: more than 50 types/u,
    ],
    ["a subject twice", define("a: [user, user]"), /line 6: doc#a: user stands in it twice/u],
    ["an operand twice", define("a: [user]", "b: a or a"), /line 7: doc#b: relation a stands/u],
    [
      "many operands",
      define("b: [user]", `a: ${"b or ".repeat(100)}b`),
      /line 7: doc#a combines more than 100/u,
    ],
    [
      "many types",
      `model\n  schema 1.1\n${many(101, (i) => `type t${i}\n`)}`,
      /more than 100 types/u,
    ],
    [
      "many relations",
      define(...Array.from({ length: 501 }, (_, i) => `r${i}: [user]`)),
      /more than 500 relations/u,
    ],
    ["too many bytes", define("a: [user]") + "# é\n".repeat(7_000), /^too-large: .*32768 bytes/u],
  ])("%s", async (_, source, message) => {
    expect(await refusal(source)).toMatch(message);
  });

  it.each([
    ["a syntax error", '{\n"schema_version": "1.1",\n oops', /line 3: the model starts as JSON/u],
    ["an end too early", '{\n"schema_version": "1.1",\n', /line 3: /u],
    ["no types", '{"schema_version": "1.1"}', /defines no type/u],
    [
      "a list for an object",
      '{"schema_version": "1.1", "type_definitions": {}}',
      /must be a list/u,
    ],
    [
      "an unknown relation",
      '{"schema_version": "1.1", "type_definitions": [\n{"type": "doc", "relations": {\n"a": {"computedUserset": {"relation": "b"}}}}]}',
      /line 3: doc#a: b is not a relation/u,
    ],
    [
      "two kinds at once",
      '{"schema_version": "1.1", "type_definitions": [\n{"type": "doc", "relations": {\n"a": {"this": {}, "union": {}}}}]}',
      /line 3: doc#a must have exactly one kind/u,
    ],
    [
      "too deep",
      `{"schema_version": "1.1", "type_definitions": [{"type": "doc", "relations": {"a": ${'{"union":{"child":['.repeat(500)}${"]}}".repeat(500)}}}]}`,
      /nested more than 16 deep/u,
    ],
  ])("as JSON: %s", async (_, source, message) => {
    expect(await refusal(source)).toMatch(message);
  });
});

describe("a model that is accepted", () => {
  const wide = `model\n  schema 1.1\ntype user\ntype doc\n  relations\n    define p: [doc]
    define a: [user, user:*, doc#a with c] or (b but not (a from p))\n    define b: [user] and p
condition c(m: map<int>, l: list<string>, t: timestamp, d: duration, i: ipaddress, u: uint, f: double, s: string, b: bool) {
  b && s.matches("^a+$") && i.in_cidr("10.0.0.0/8") && m["x"] < 1 && "a" in l && t + d < timestamp("2030-01-01T00:00:00Z") && u < uint(3) && f < 1.5
}\n`.replace("and p", "and a");

  it("means the same as JSON", async () => {
    for (const source of [fileModel, wide]) {
      const json = JSON.stringify(transformer.transformDSLToJSONObject(source), null, 2);
      expect(await parseModel(json)).toEqual(await parseModel(source));
    }
  });

  it("may have other line ends, blanks and comments", async () => {
    const spaced = wide.replaceAll("\n", "\r\n\r\n  # or not\r\n");
    expect(await parseModel(spaced)).toEqual(await parseModel(wide));
  });

  it("is plain data", async () => {
    const model = await parseModel(wide);
    expect(JSON.parse(JSON.stringify(model))).toEqual(model);
  });

  it("costs no more when its relations repeat one another", async () => {
    const fibonacci = many(200, (i) => `    define r${i}: r${i + 1} and r${i + 2}\n`);
    const source = `${head}${fibonacci}    define r200: [user]\n    define r201: [user]\n`;
    expect(await refusal(source)).toBe("accepted");
  });
});

describe("a tenant's own model", () => {
  it.each(reservedTypes)("may name %s and not define it", async (type) => {
    const name = type === "user" ? "agent" : "user";
    const plain = `model\n  schema 1.1\ntype ${name}\ntype ${type}\ntype doc\n  relations\n    define a: [${type}]\n`;
    expect(await refusal(plain, validateModel)).toBe("accepted");
    const defined = `model\n  schema 1.1\ntype ${name}\ntype ${type}\n  relations\n    define a: [${name}]\n`;
    expect(await refusal(defined, validateModel)).toMatch(
      new RegExp(`line 4: the type ${type} is reserved`, "u"),
    );
    expect(await refusal(defined)).toBe("accepted");
  });
});

describe("the parser", () => {
  const words = [
    "define",
    "a:",
    "[user]",
    "or",
    "and",
    "but not",
    "from",
    "(",
    ")",
    "\n",
    "type",
    "doc",
    "model",
    "schema 1.1",
    "relations",
    "user:*",
    "#a",
    "with",
    "condition",
    "{",
    "}",
    '"',
    "\\",
    "é",
    " ",
  ];

  it("answers whatever it is given", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.oneof(
          fc.string({ unit: "binary", maxLength: 200 }),
          fc.array(fc.constantFrom(...words), { maxLength: 40 }).map((parts) => parts.join(" ")),
          fc
            .array(fc.constantFrom(...words), { maxLength: 20 })
            .map((parts) => head + parts.join(" ")),
          fc
            .json({ maxDepth: 4 })
            .map((json) => `{"schema_version":"1.1","type_definitions":${json}}`),
        ),
        async (source) => {
          expect(await refusal(source)).toMatch(/^(?:accepted|invalid-request: |too-large: )/u);
        },
      ),
      { numRuns: 100 },
    );
  });

  const models = ["consolidated_1_1_tests.yaml", "abac_tests.yaml"].flatMap((file) => {
    const text = readFileSync(
      new URL(`../../conformance/openfga/${file}`, import.meta.url),
      "utf8",
    );
    const { tests }: { tests: readonly { stages: readonly { model: string }[] }[] } = parse(text);
    return tests.flatMap(({ stages }) => stages.map(({ model }) => model));
  });

  /** Undefined where it trips: over conditions on what leads to others. */
  const official = (source: string): boolean | undefined => {
    try {
      validator.validateDSL(source);
      return true;
    } catch (error) {
      if (error instanceof errors.BaseMultiError) return false;
      if (error instanceof TypeError) return undefined;
      throw error;
    }
  };

  // A word of a valid model is replaced by another of its words.
  it("agrees with the language's own validator", async () => {
    let refused = 0;
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...models), fc.nat(), fc.nat(), async (model, from, to) => {
        const [start = "", ...conditions] = model.split(/^(?=condition)/mu);
        const parts = start.split(/([A-Za-z_][\w-]*)/u);
        const at = 1 + 2 * (from % ((parts.length - 1) / 2));
        const by = parts[1 + 2 * (to % ((parts.length - 1) / 2))] ?? "";
        const source = parts.with(at, by).join("") + conditions.join("");
        const answer = await refusal(source);
        const expected = official(source) ?? answer === "accepted";
        refused += Number(!expected);
        expect(answer === "accepted", `${answer}\n${source}`).toBe(expected);
      }),
      { numRuns: 100 },
    );
    expect(refused).toBeGreaterThan(50);
  });
});
