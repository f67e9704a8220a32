import { describe, expect, it } from "vitest";
import type { ParameterType } from "../model/model.ts";
import { QuestionError } from "../question-error.ts";
import { compileCondition } from "./compile-condition.ts";

const judge = (
  expression: string,
  parameters: Readonly<Record<string, ParameterType>>,
  request: Readonly<Record<string, unknown>>,
  stored?: Readonly<Record<string, unknown>>,
): unknown => {
  const condition = compileCondition("c", { expression, parameters });
  try {
    return condition(stored, request);
  } catch (error) {
    if (error instanceof QuestionError) return error.detail;
    throw error;
  }
};

const x = (type: ParameterType): Readonly<Record<string, ParameterType>> => ({ x: type });

describe("a condition", () => {
  it.each<[ParameterType, string, unknown]>([
    [{ name: "bool" }, "x", true],
    [{ name: "string" }, 'x == "a"', "a"],
    [{ name: "int" }, "x == 5", 5],
    [{ name: "int" }, "x == -5", "-5"],
    [{ name: "int" }, "x == 5", "5.0"],
    [{ name: "int" }, "x == 9223372036854775807", "9223372036854775807"],
    [{ name: "uint" }, "x == uint(5)", 5],
    [{ name: "uint" }, "x < 6u", "5"],
    [{ name: "double" }, "x == 2.5", 2.5],
    [{ name: "double" }, "x > 2.0 && x < 3.0", "2.5"],
    [{ name: "duration" }, 'x == duration("90m")', "1h30m"],
    [{ name: "duration" }, 'x < duration("0s")', "-1.5s"],
    [{ name: "timestamp" }, 'x == timestamp("2026-01-31T10:00:00Z")', "2026-01-31T12:00:00+02:00"],
    [{ name: "ipaddress" }, 'x.in_cidr("192.168.0.0/24")', "192.168.0.7"],
    [{ name: "ipaddress" }, '!x.in_cidr("192.168.0.0/24")', "192.168.1.7"],
    [{ name: "ipaddress" }, '!x.in_cidr("192.168.0.0/24")', "::1"],
    [{ name: "ipaddress" }, 'x.in_cidr("2001:db8::/32")', "2001:db8::5"],
    [{ name: "ipaddress" }, 'x == ipaddress("::1") && !(x != ipaddress("::1"))', "0:0::1"],
    [{ name: "list", of: { name: "int" } }, "x.exists(n, n == 2) && size(x) == 2", [1, "2"]],
    [{ name: "map", of: { name: "int" } }, 'x["a"] == 1 && x.a == 1', { a: 1 }],
    [{ name: "any" }, "x.a[0] == 1.0", { a: [1] }],
  ])("converts to %j in %s", (type, expression, value) => {
    expect(judge(expression, x(type), { x: value })).toBe(true);
  });

  it.each<[ParameterType["name"], unknown, RegExp]>([
    ["bool", "true", /x must be true or false/u],
    ["string", 5, /x must be a string/u],
    ["int", 5.5, /x must be a whole number/u],
    ["int", "5.5", /x must be a whole number/u],
    ["int", "", /x must be a whole number/u],
    ["int", 1e300, /x must be a whole number/u],
    ["int", null, /x must be a whole number/u],
    ["uint", -1, /x must be a whole number from 0/u],
    ["double", "much", /x must be a number/u],
    ["double", " ", /x must be a number/u],
    ["duration", "1 hour", /x must be a length of time/u],
    ["timestamp", "2026-01-31", /x must be a time/u],
    ["timestamp", "2026-02-31T99:00:00Z", /x must be a time/u],
    ["ipaddress", "1.2.3", /x must be an IP address/u],
    ["list", {}, /x must be a list/u],
    ["map", [], /x must be an object/u],
  ])("refuses as %s: %j", (name, value, message) => {
    expect(judge("true || x == x", x({ name }), { x: value })).toMatch(message);
  });

  const two = { x: { name: "int" }, y: { name: "int" } } as const;

  it("asks for every parameter, even where the others decide", () => {
    expect(judge("x < 1 || y < 1", two, { x: 0 })).toMatch(/the context lacks y/u);
    expect(judge("x < 1 || y < 1", two, {})).toMatch(/the context lacks x, y/u);
  });

  it("lets what was stored win over the request", () => {
    expect(judge("x < y", two, { x: 5, y: 9 }, { y: 1 })).toBe(false);
    expect(judge("x < y", two, { x: 5, y: 1 }, { y: 9 })).toBe(true);
    expect(judge("x < y", two, { x: 5, constructor: 1 })).toMatch(/lacks y/u);
  });

  it("says why it failed", () => {
    expect(judge("1 / x == 1", x({ name: "int" }), { x: 0 })).toMatch(/cannot be judged: .*zero/u);
    expect(judge("ipaddress(x) == ipaddress(x)", x({ name: "string" }), { x: "?" })).toMatch(
      /is not an IP address/u,
    );
    expect(judge('x.matches("(")', x({ name: "string" }), { x: "a" })).toMatch(/cannot be judged/u);
  });

  // With backtracking this takes longer than anybody waits.
  it("matches patterns in linear time, also given ones", () => {
    const text = `${"a".repeat(5_000)}!`;
    const parameters = { x: { name: "string" }, p: { name: "string" } } as const;
    expect(judge('x.matches("^(a+)+$")', x({ name: "string" }), { x: text })).toBe(false);
    expect(judge("x.matches(p) || p.matches(x)", parameters, { x: text, p: "^(a|aa)+$" })).toBe(
      false,
    );
    expect(judge('[x].exists(v, v.matches("b+"))', x({ name: "string" }), { x: "abc" })).toBe(true);
    expect(judge('("a" + x).matches("^ab$")', x({ name: "string" }), { x: "b" })).toBe(true);
  });
});
