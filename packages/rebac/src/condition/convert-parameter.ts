import { evaluate } from "@marcbachmann/cel-js";
import type { ParameterType, ParameterTypeName } from "../model/model.ts";
import { IpAddress } from "./ip-address.ts";

const integer = /^[+-]?\d+(?:\.0*)?$/u;
const rfc3339 = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d+)?(?:Z|[+-]\d{2}:\d{2})$/u;
/** A number as Go writes them, each part with its unit. */
const duration = /^[+-]?(?:0|(?:\d+(?:\.\d*)?|\.\d+)(?:ns|us|µs|μs|ms|s|m|h)){1,20}$/u;

const wrong = (expected: string): never => {
  throw new TypeError(`must be ${expected}`);
};

const wholeNumber = (value: unknown, least: bigint, most: bigint): bigint => {
  let whole: bigint | undefined;
  if (typeof value === "bigint") whole = value;
  else if (typeof value === "number" && Number.isInteger(value)) whole = BigInt(value);
  else if (typeof value === "string" && value.length <= 40 && integer.test(value))
    whole = BigInt(value.replace(/\..*/u, "").replace(/^\+/u, ""));
  return whole !== undefined && whole >= least && whole <= most
    ? whole
    : wrong(`a whole number from ${least} to ${most}`);
};

const toDouble = (value: unknown): number => {
  const parsed =
    typeof value === "string" && value.trim() !== "" ? Number(value) : (value as unknown);
  return typeof parsed === "number" && Number.isFinite(parsed) ? parsed : wrong("a number");
};

const toTimestamp = (value: unknown): Date => {
  const date = typeof value === "string" && rfc3339.test(value) ? new Date(value) : undefined;
  return date === undefined || Number.isNaN(date.getTime())
    ? wrong("a time as in 2026-01-31T12:00:00Z")
    : date;
};

const toDuration = (value: unknown): unknown =>
  typeof value === "string" && value.length <= 60 && duration.test(value)
    ? evaluate("duration(text)", { text: value })
    : wrong('a length of time as in "1h30m"');

const toIpAddress = (value: unknown): IpAddress => {
  try {
    return new IpAddress(typeof value === "string" ? value : "");
  } catch {
    return wrong("an IP address");
  }
};

const toList = (value: unknown, of: ParameterType | undefined): readonly unknown[] =>
  Array.isArray(value)
    ? value.map((element: unknown) => (of === undefined ? element : convertParameter(element, of)))
    : wrong("a list");

const toMap = (value: unknown, of: ParameterType | undefined): ReadonlyMap<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value)
    ? new Map(
        Object.entries(value).map(([key, element]: [string, unknown]) => [
          key,
          of === undefined ? element : convertParameter(element, of),
        ]),
      )
    : wrong("an object");

const converters = {
  any: (value) => value,
  bool: (value) => (typeof value === "boolean" ? value : wrong("true or false")),
  string: (value) => (typeof value === "string" ? value : wrong("a string")),
  int: (value) => wholeNumber(value, -(2n ** 63n), 2n ** 63n - 1n),
  uint: (value) => evaluate("uint(n)", { n: wholeNumber(value, 0n, 2n ** 63n - 1n) }),
  double: toDouble,
  duration: toDuration,
  timestamp: toTimestamp,
  ipaddress: toIpAddress,
  map: toMap,
  list: toList,
} as const satisfies Record<
  ParameterTypeName,
  (value: unknown, of: ParameterType | undefined) => unknown
>;

/**
 * Turns a value of JSON into what a condition computes with, as OpenFGA does: numbers may be written as strings.
 * Throws `TypeError` that says what it must be.
 */
export const convertParameter = (value: unknown, type: ParameterType): unknown =>
  converters[type.name](value, type.of);
